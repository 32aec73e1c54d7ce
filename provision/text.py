"""Words shared by all output: counts, sizes, harmless text, CI annotations."""

from __future__ import annotations

# FOLD provision.text
#   Words shared by all output: counts, sizes, harmless text, CI annotations.
#
#   Every command loads this, so it imports nothing by itself. Sizes are bytes, told in powers of 1000.


# Longer texts are cut where a message quotes them: a hostile file can hold a word of a million characters.
_LONGEST_QUOTED = 64


def plural(count: int, noun: str, nouns: str = "") -> str:
    """``1 interpreter``, ``3 interpreters``."""
    return f"{count} {noun if count == 1 else nouns or noun + 's'}"


def size(count: int) -> str:
    """Bytes for people, in powers of 1000: ``35.1 MB``."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def size_change(count: int | None, *, signed: bool) -> str:
    """``+1.2 MB``, ``-35 B``; nothing where it is not known."""
    if count is None:
        return ""
    if not signed:
        return size(count)
    return f"{'-' if count < 0 else '+'}{size(abs(count))}" if count else "±0"


def quoted(text: str) -> str:
    """A text in quotes, control characters escaped, and not too long to be read."""
    return repr(text if len(text) <= _LONGEST_QUOTED else f"{text[:60]}…")


def printable(text: str) -> str:
    """The text with control characters, and those that turn the direction of writing, written as escapes.

    So no name, URL or server can drive a terminal, or hide something in a page.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def without_ci_commands(text: str) -> str:
    """The text with what would be a command to a CI system written as escapes, so that no name or URL can give one.

    GitHub's runner takes ``::`` at the beginning of a line for one, and ``##[`` anywhere; Azure Pipelines ``##vso[``.
    """
    if "::" not in text and "##" not in text:
        return text
    import re

    text = re.sub(r"^([^\S\n]*):(?=:)", r"\1\\x3a", text, flags=re.MULTILINE)
    return re.sub(r"#(?=#\w*\[)", r"\\x23", text)


def github_annotation(
    command: str, message: str, *, file: str, line: int, column: int | None = None, title: str | None = None
) -> str:
    """A workflow command of GitHub's: ``::error file=…,line=…,col=…,title=…::message``; column and title may be absent.

    Everything that ends a property or the command is encoded. The lines of a message stay lines; all else in it that
    is not printable is written as escapes, and so is what another CI system would take for a command.
    """
    properties = f"file={_property(file)},line={line}"
    if column:
        properties += f",col={column}"
    if title is not None:
        properties += f",title={_property(title)}"
    return f"::{command} {properties}::{without_ci_commands(_data(message))}"


def _data(text: str) -> str:
    return "%0A".join(printable(line).replace("%", "%25") for line in text.replace("\r", "\n").split("\n"))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


# FOLD provision.manifest.manifest:KeyPath,_BARE,_LONGEST_SHOWN,_quoted,dotted
#   Paths of keys through a manifest, and the names that its entries may have.


KeyPath = tuple[str | int, ...]
_BARE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
_LONGEST_SHOWN = 64


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
