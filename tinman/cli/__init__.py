"""The command line: one file per family of commands; nothing heavy loads before a command needs it."""
