"""What Tinman found, held against what was planted."""
