"""Names of entries, and paths of keys through a manifest."""

from __future__ import annotations

from provision.errors import Place

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
        raise ValueError(f"{shown(name)} is not a name: lower-case letters, digits and . _ -, a letter or digit first")
    if name in OUR_NAMES or name.partition(".")[0] in DEVICES or name.endswith("."):
        raise ValueError(f"{shown(name)} cannot be the name of a link on every system: choose another")


def shown(text: str) -> str:
    """A text in quotes, control characters escaped, and not too long to be read."""
    return repr(text if len(text) <= _LONGEST_SHOWN else f"{text[:60]}…")


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


class KeyPlace(Place):
    """The place of a key that is all right so far: looked for only when an error shows it, as most never do."""

    __slots__ = ("_path", "_text")

    def __init__(self, file: str, text: str, path: KeyPath) -> None:
        self.file, self.key = file, dotted(path)
        self._text, self._path = text, path

    def __getattr__(self, name: str) -> int | None:
        # Reached while the slots of `line` and `column` are empty.
        if name not in {"line", "column"}:
            raise AttributeError(name)
        from provision.manifest.positions import positions_of

        self.line, self.column = positions_of(self._text).find(self._path) or (None, None)
        return self.line if name == "line" else self.column


def _quoted(key: str) -> str:
    return '"' + shown(key)[1:-1].replace('"', '\\"') + '"'
