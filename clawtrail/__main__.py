"""``python -m clawtrail``: the same as the command ``clawtrail``."""

from clawtrail.cli import main

if __name__ == "__main__":
    main()
