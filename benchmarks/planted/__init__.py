"""A bench of assistants with known failures, and of honest ones made to be accused. See the README beside this file."""
