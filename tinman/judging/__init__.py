"""Judges that are models: what they are asked, how often they err, and what becomes of verdicts of a bad one."""
