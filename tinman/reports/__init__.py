"""What the graph tells, for people and machines."""
