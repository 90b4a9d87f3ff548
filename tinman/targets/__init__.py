"""Targets: anything that answers."""
