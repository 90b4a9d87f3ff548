"""``python -m tinman`` is ``tinman``."""

from tinman.cli.main import main

main()
