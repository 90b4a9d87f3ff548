"""What is remembered: records as nodes of a graph, and the questions asked of it."""
