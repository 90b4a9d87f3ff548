"""One session of a loop: its history, rounds, plans, calls, questions and ceilings."""
