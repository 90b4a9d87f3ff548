"""Loops for known tasks, on the same engine as any other."""
