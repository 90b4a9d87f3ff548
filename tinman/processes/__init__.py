"""Children of this process: commands, isolated workers, whole sessions ended, functions awaited in threads."""
