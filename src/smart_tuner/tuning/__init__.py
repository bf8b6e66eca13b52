"""Tuning: the search space, the objective, the samplers, and where studies are kept."""
