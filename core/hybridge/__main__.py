"""`python -m hybridge` lists the devices; with arguments it is the command `hybridge`."""

import sys

from hybridge.cli import app

if __name__ == "__main__":
    app(sys.argv[1:] or ["devices"], prog_name="hybridge")
