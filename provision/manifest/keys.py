"""?"""

from __future__ import annotations

from provision.text import quoted

# FOLD provision.manifest.keys
#   Paths of keys through a manifest, and the names that its entries may have.


# The one rule for names of entries, in manifests and in locks.
NAME_PATTERN = "^[a-z0-9][a-z0-9._-]*$"
LONGEST_NAME = 64
# `.pythons/<name>` links to the tree: beside `.pythons/bin`, and on Windows among names that mean devices.
OUR_NAMES = ("bin",)
DEVICES = ("con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in range(10)))

_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")


def check_name(name: str) -> None:
    """Raise `ValueError`, saying why, unless an entry can have this name."""
    if len(name) > LONGEST_NAME:
        raise ValueError(f"a name has at most {LONGEST_NAME} characters, not {len(name)}")
    if not (name and _NAME.issuperset(name) and name[0].isalnum()):
        raise ValueError(f"{quoted(name)} is not a name: lower-case letters, digits and . _ -, a letter or digit first")
    if name in OUR_NAMES or name.partition(".")[0] in DEVICES or name.endswith("."):
        raise ValueError(f"{quoted(name)} cannot be the name of a link on every system: choose another")
