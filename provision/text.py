"""Text shared by all output: counts, sizes, quoting, key paths, CI annotations.

Every command loads this module, so it imports nothing at the top. Sizes are in bytes, shown in powers of 1000.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# The keys of a file from its root to a value; integers are the indices of lists.
KeyPath = tuple[str | int, ...]

_BARE_KEY = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
# Longer texts are cut where a message quotes them: a hostile file can hold a word of a million characters.
_MAX_QUOTED = 64


# The byte order mark that some editors on Windows write before UTF-8.
_MARK = "\ufeff"


def without_mark(text: str) -> str:
    """The text without a byte order mark."""
    return text.removeprefix(_MARK)


def plain_lines(text: str) -> str:
    """The text without a byte order mark, its lines ended by LF."""
    return without_mark(text).replace("\r\n", "\n")


def line_ending(text: str) -> str:
    """The line ending of a text."""
    return "\r\n" if "\r\n" in text else "\n"


def spelled_as(lines: str, sample: str) -> str:
    """Plain lines with the byte order mark and the line ending of another text."""
    return (_MARK if sample.startswith(_MARK) else "") + lines.replace("\n", line_ending(sample))


def plural(count: int, noun: str, nouns: str = "") -> str:
    """``1 interpreter``, ``3 interpreters``."""
    return f"{count} {noun if count == 1 else nouns or noun + 's'}"


def comma_list(words: Iterable[str], *, most: int = 12) -> str:
    """``a, b, c``; beyond ``most`` ``a, b and 7 more``."""
    every = list(words)
    if len(every) <= most + 1:
        return ", ".join(every)
    return f"{', '.join(every[:most])} and {len(every) - most} more"


def size(count: int) -> str:
    """Bytes for people, in powers of 1000: ``35.1 MB``."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def size_change(count: int | None, *, signed: bool) -> str:
    """``+1.2 MB``, ``-35 B``, or a plain size if not ``signed``; empty if the size is not known."""
    if count is None:
        return ""
    if not signed:
        return size(count)
    return f"{'-' if count < 0 else '+'}{size(abs(count))}" if count else "±0"


def quoted(text: str) -> str:
    """A text in quotes, its control characters escaped, truncated if it is too long to be read."""
    return repr(text if len(text) <= _MAX_QUOTED else f"{text[:60]}…")


def dotted(path: KeyPath) -> str:
    """A path as TOML writes it: ``settings.targets[1]``, ``pythons."a b".version``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            bare = part and _BARE_KEY.issuperset(part) and len(part) <= _MAX_QUOTED
            text += ("." if text else "") + (part if bare else _quoted_key(part))
    return text


def _quoted_key(key: str) -> str:
    return '"' + quoted(key)[1:-1].replace('"', '\\"') + '"'


def wrapped(text: str, width: int, *, hanging: int = 0) -> list[str]:
    """The lines of a text, broken between words if it is too wide; words, and text in backticks, are not broken.

    Further lines begin below the last value of ``key value``, below that of ``name: value``, or after ``hanging`` more
    spaces than the first. The codes of colours take no columns.
    """
    if len(text) <= width:
        return [text]
    import re

    def columns(part: str) -> int:
        return len(re.sub(r"\x1b\[\d+m", "", part))

    plain = re.sub(r"\x1b\[\d+m", "", text)
    if len(plain) <= width:
        return [text]
    begin = re.match(r"\s*(?:[\w.-]{1,20}: )?", plain)
    ends = [gap.end() for gap in re.finditer(r"(?<=\S)\s{2,}", plain[: width // 2])]
    indent = ends[-1] if ends else begin.end() if begin else 0
    if not plain[:indent].strip():
        indent += hanging
    lines, line = [], ""
    for word in re.findall(r"\s*(?:`[^`]*`\S*|\S)+", text):
        if line.strip() and columns(line) + columns(word) > width:
            lines.append(line)
            bare = word.lstrip()
            line = " " * max(0, min(indent, width // 2, width - columns(bare))) + bare
        else:
            line += word
    return [*lines, line]


def printable(text: str) -> str:
    """The text with its control characters escaped, including those that change the writing direction.

    So no name, URL or server can control a terminal, or hide something in a page.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def without_ci_commands(text: str) -> str:
    """The text with everything escaped that a CI system would execute as a command from a name or URL in the output.

    GitHub's runner reads ``::`` at the beginning of a line and ``##[`` anywhere as a command; Azure Pipelines reads
    ``##vso[``.
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

    Everything that would end a property or the command is encoded. Line breaks of the message are kept; its other
    unprintable characters are escaped, and so is everything that another CI system would read as a command.
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
