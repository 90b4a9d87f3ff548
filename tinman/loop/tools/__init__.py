"""Functions as tools of a loop."""
