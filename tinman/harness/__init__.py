"""The scenario harness: measures, confirms, compares, shrinks and keeps scenarios that guard a target."""
