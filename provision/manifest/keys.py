"""Paths of keys through a manifest, and the names that its entries may have."""

from __future__ import annotations

from provision.text import quoted

KeyPath = tuple[str | int, ...]

# The one rule for names of entries, in manifests and in locks.
NAME_PATTERN = "^[a-z0-9][a-z0-9._-]*$"
LONGEST_NAME = 64
# `.pythons/<name>` links to the tree: beside `.pythons/bin`, and on Windows among names that mean devices.
OUR_NAMES = ("bin",)
DEVICES = ("con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in range(10)))

_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")
_BARE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
_LONGEST_SHOWN = 64


def check_name(name: str) -> None:
    """Raise `ValueError`, saying why, unless an entry can have this name."""
    if len(name) > LONGEST_NAME:
        raise ValueError(f"a name has at most {LONGEST_NAME} characters, not {len(name)}")
    if not (name and _NAME.issuperset(name) and name[0].isalnum()):
        raise ValueError(f"{quoted(name)} is not a name: lower-case letters, digits and . _ -, a letter or digit first")
    if name in OUR_NAMES or name.partition(".")[0] in DEVICES or name.endswith("."):
        raise ValueError(f"{quoted(name)} cannot be the name of a link on every system: choose another")


def dotted(path: KeyPath) -> str:
    """A path as TOML writes it: ``settings.targets[1]``, ``pythons."a b".version``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            bare = part and _BARE.issuperset(part) and len(part) <= _LONGEST_SHOWN
            text += ("." if text else "") + (part if bare else _quoted(part))
    return text


def _quoted(key: str) -> str:
    return '"' + quoted(key)[1:-1].replace('"', '\\"') + '"'
