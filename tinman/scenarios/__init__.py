"""Scenarios: the unit of every experiment, replay and regression test."""
