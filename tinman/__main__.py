"""``python -m tinman`` is ``tinman``."""

from tinman.cli.main import main

if __name__ == "__main__":
    main()
