"""The demonstration organisation: how it loads, what it shows, how it goes away."""
