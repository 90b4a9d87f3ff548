"""Text as the whole house treats it: made harmless to look at, cut to a size, matched."""
