"""The pure estimator: values in, values out. No Django, no clock, no settings."""
