"""``python -m sipfsm`` is the same as ``sipfsm``."""

import sys

from sipfsm.cli import main

if __name__ == "__main__":
    sys.exit(main())
