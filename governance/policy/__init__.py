"""The policy library: typed facts and rules to a decision. Pure: no Django, no clock, no settings, no database."""
