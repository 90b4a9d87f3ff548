"""Interventions as values: what a patch is, how it runs, where it fits."""
