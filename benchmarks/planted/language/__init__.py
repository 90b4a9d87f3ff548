"""What an assistant knows of language: words, facts, lists, sums, intents, and how a request is read."""
