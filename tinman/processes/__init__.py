"""What runs beside us: commands, isolated workers, whole sessions ended, threads; and modules loaded for it."""
