"""Held-out validation of GPU-hours on published runs, and the utilisation priors that come from the same fit."""
