"""Adapters: applications under test, opened by the door their owner wrote."""
