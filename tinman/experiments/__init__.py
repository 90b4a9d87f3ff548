"""What is run, on which cases, and when it may be believed: the piece that executor and simulation share."""
