"""The adapter command line: `python -m services.adapter {authorize,check,sign}`."""

import sys

from services.adapter.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
