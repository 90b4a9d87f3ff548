"""Python callables as targets: how they are called, the process they run in, and the target made of both."""
