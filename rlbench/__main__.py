"""`python -m rlbench` is `rlbench`."""

import sys

from rlbench.cli import main

if __name__ == "__main__":
    sys.exit(main())
