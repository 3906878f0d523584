"""All of core CEL over any values: wider and slower than the policy profile, on the same lexer and parser."""
