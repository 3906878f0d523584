"""Pure rules of the house: life cycle, money, ledger arithmetic, routing. No Django, no clock, no settings."""
