"""What a loop knows, what changes it, and where the changes become durable."""
