"""What is told of a measurement: the v1 files, JUnit, the page that compares two; all of it without secrets."""
