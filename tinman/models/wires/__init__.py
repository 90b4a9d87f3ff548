"""What providers put on the wire, as plain data: no SDK, no network."""
