"""Configuration: modes, settings, and where packaged files are found."""
