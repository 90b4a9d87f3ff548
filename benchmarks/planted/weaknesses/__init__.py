"""What can be planted, by class of failure: each function makes a ``Plant`` of one kind from its variant and rate."""
