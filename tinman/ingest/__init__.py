"""What other tools wrote, taken in as scenarios. Files are read as data: nothing in them is run or fetched."""
