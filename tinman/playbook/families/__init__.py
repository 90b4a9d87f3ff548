"""The families of probes, one file for each failure class."""
