"""How large a rule, a bundle or a value may be. Each loop over text or tree ends at one of these."""

from __future__ import annotations

EXPRESSION_CHARS_MAX = 16_384
EXPRESSION_TOKENS_MAX = 4_000
# Nesting of operators and brackets. Python's own parser refuses much deeper code, and so does any reader.
EXPRESSION_DEPTH_MAX = 32
# After named expressions are written out in full.
EXPRESSION_NODES_MAX = 2_000
# Work of one evaluation, counted in visited nodes; a quantifier multiplies its body by the longest list.
EXPRESSION_COST_MAX = 20_000

BUNDLE_BYTES_MAX = 1_000_000
BUNDLE_NODES_MAX = 8_000
BUNDLE_DEPTH_MAX = 16
RULES_MAX = 200
TESTS_MAX = 2_000
LIST_PARAM_ITEMS_MAX = 300
TEXT_CHARS_MAX = 2_000

# A policy set remembers how it combined a set of fired rules; past this many it starts again.
COMBINED_MEMO_MAX = 20_000
