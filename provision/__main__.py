"""Runs the command line as ``python -m provision``; everything else is in `provision.cli.entry`."""

from provision.cli.entry import main

if __name__ == "__main__":
    main()
