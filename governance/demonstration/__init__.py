"""Northlight AI: an invented organisation with a year behind it, so that a first start has something to show."""
