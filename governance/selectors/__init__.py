"""The only composed readers: they compute and change nothing."""
