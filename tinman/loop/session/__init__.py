"""One session of a loop: its course, plans, calls, questions and ceilings."""
