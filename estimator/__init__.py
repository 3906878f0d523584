"""Sizes AI workloads: GPU-hours, FLOP, memory, cost, energy and carbon, each as an interval, from a dated catalogue."""
