"""``python -m provision``, the same as the command `provision`."""

from provision.cli.entry import main

if __name__ == "__main__":
    main()
