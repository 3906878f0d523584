"""Static checks: what rules mean together, found before they rule. The cheap ones always; deeper ones with z3."""
