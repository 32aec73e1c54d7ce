"""Text that names the build machine's paths and tools, rewritten."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from provision.model.value import frozen

# FOLD provision.relocate.rewrite
#   Owns the rewriting of text that names a build's machine; which file to rewrite, and in what terms, the edits say.


class PrefixRewriter:
    """Rewrites text so that ``prefix`` stands where the build's prefix stood, and nothing else of the build is left.

    ``prefix`` is what means "where this tree is" in the language of the text: ``$(prefix)`` in a Makefile. ``config``
    is the Makefile's directory in the tree; it stands in for the directories of the build, as sysconfig has it for
    ``srcdir``.
    """

    def __init__(self, origin: BuildPaths, *, prefix: str, config: str) -> None:
        self._marks = (origin.prefix, *origin.workdirs, *BUILD_MACHINE_MARKS)
        moves = [*((place, f"{prefix}/{config}") for place in origin.workdirs), (origin.prefix, prefix)]
        self._moves = tuple((re.compile(whole_path(old)), new) for old, new in moves)

    def text(self, text: str) -> str:
        """Free any text, line by line; lines that name nothing of the build are not looked at."""
        parts: list[str] = []
        done = 0
        for start, end in _lines_with(self._marks, text):
            parts += text[done:start], self._line(text[start:end])
            done = end
        return "".join([*parts, text[done:]])

    def variable(self, name: str, value: str) -> str:
        """Free a variable's value; where it names a compiler, make it one that users have."""
        value = generic(name, value)
        mended = self.text(value)
        return mended if mended == value else mended.rstrip()

    def _line(self, line: str) -> str:
        if any(mark in line for mark in BUILD_MACHINE_MARKS):
            line = without_sysroot(line)
        for pattern, place in self._moves:
            line = place.join(pattern.split(line))
        return line


def _lines_with(marks: Sequence[str], text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of each line that has one of the marks in it."""
    found = set()
    for mark in marks:
        at = text.find(mark)
        while at >= 0:
            start, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
            end = len(text) if end < 0 else end
            found.add((start, end))
            at = text.find(mark, end)
    yield from sorted(found)


def whole_path(place: str) -> str:
    """``place`` as a whole path or the beginning of one, also glued to ``-L`` and its like.

    ``../Python/install-sh`` and ``/usr/bin/install`` are not ``/install``; CPython writes ``./install`` for WASM.
    """
    return rf"(?:(?<![\w./@)}}~+-])|(?<=-[FILR])|(?<=(?<![\w./])\.)){re.escape(place)}(?![\w.+-])"


# FOLD provision.relocate.rewrite
#   Owns `BuildPaths`, the places on a build's machine that its files still name; `mender` puts others in their stead.


# Where PBS installs to, and what `pack` writes in.
INSTALL = "/install"

# Other software lives there too: that a text names such a place says nothing of this Python.
SHARED = frozenset({"", "/usr", "/usr/local", "/opt", "/opt/local", "/home", "/root", "/var"})


@frozen
class BuildPaths:
    """The prefix a build was configured for, and the directories it was compiled in, all long gone."""

    prefix: str = INSTALL
    workdirs: tuple[str, ...] = ()  # longest first

    @classmethod
    def of(cls, variables: Mapping[str, object]) -> BuildPaths:
        """Read it off a build's own `_sysconfigdata`; a prefix that other software shares counts as none."""
        prefix = _place(variables, "prefix")
        named = {_place(variables, name) for name in ("abs_builddir", "abs_srcdir")}
        workdirs = (named | set(map(_collapse, named))) - {""}
        return cls(prefix=prefix or INSTALL, workdirs=tuple(sorted(workdirs, key=lambda place: (-len(place), place))))


def _place(variables: Mapping[str, object], name: str) -> str:
    place = str(variables.get(name, "")).rstrip("/")
    return place if place.startswith("/") and place not in SHARED else ""


def _collapse(place: str) -> str:
    """``/b/release/../Python-3.13.5`` as ``/b/Python-3.13.5``."""
    parts: list[str] = []
    for part in place.split("/"):
        if part == "..":
            parts[1:] = parts[1:-1]
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


# FOLD provision.relocate.rewrite
#   Owns what a build's compilers, sysroot and flags are called, and what users have in their stead; pure text.


# PBS's own sysroot: `/tools/deps` on Linux, under a temporary directory on macOS.
_ROOMS = r"(?:deps|host|llvm|gcc|musl|clang[\w.-]*|[\w.-]*toolchain[\w.-]*)"
_TOOLS = rf"(?:/[\w.+-]+)*/tools/{_ROOMS}(?:/[^\s'\",:;)]*)?(?![\w.+-])"
_START, _END = r"(?:(?<=[\s'\"=])|^)", r"(?:[ \t]+|(?=['\"])|$)"

BUILD_MACHINE_MARKS = ("/tools/", "sysroot", "-fdebug-default")  # no line without one of these needs `without_sysroot`
_REMOVALS = (
    # Flags that only make sense where the build ran; gcc does not know `-fdebug-default-version`.
    re.compile(
        rf"{_START}(?:-isysroot[= \t]+[^\s'\"]+|--sysroot[= \t]+[^\s'\"]+|-fdebug-default-version=\d+"
        rf"|(?:-isystem|-idirafter|-iquote|-[ILF])[ \t]*{_TOOLS}|-Wl,-rpath[,=]{_TOOLS}){_END}"
    ),
    # `/tools/llvm/bin/llvm-profdata`: the program may be there under its name.
    re.compile(rf"{_START}(?:/[\w.+-]+)*/tools/[\w.+-]+/bin/(?=\w)"),
    # `'--with-openssl=/tools/deps'` in CONFIG_ARGS, as a whole.
    re.compile(rf"'-{{0,2}}\w[\w-]*=[^'\n]*{_TOOLS}[^'\n]*'[ \t]*"),
    re.compile(rf"{_START}[^\s'\"=]*{_TOOLS}[^\s'\"]*{_END}"),
)

VARIABLES = (
    *("CC", "CXX", "CPP", "LINKCC", "MAINCC", "PY_CC", "PY_CXX", "BLDSHARED", "LDSHARED", "LDCXXSHARED"),
    *("AR", "NM", "OBJCOPY", "RANLIB", "READELF", "STRIP"),
)
_PATH, _SUFFIX = r"(?:/\S*/)?(?:[\w.]+-)*", r"(?:-\d[\d.]*)?"
_GENERIC = (
    (re.compile(rf"{_PATH}(?:clang|gcc|cc){_SUFFIX}"), "cc"),
    (re.compile(rf"{_PATH}(?:clang\+\+|g\+\+|c\+\+){_SUFFIX}"), "c++"),
    *(
        (re.compile(rf"{_PATH}{tool}{_SUFFIX}"), tool)
        for tool in ("ar", "ranlib", "nm", "strip", "objcopy", "readelf", "ld")
    ),
)
_CONFIGURED = re.compile(rf"(?<=')({'|'.join(VARIABLES)})=([^'\n]*)(?=')")


def without_sysroot(line: str) -> str:
    """``line`` without the flags and words that point into the build's sysroot or SDK."""
    for pattern in _REMOVALS:
        line = pattern.sub("", line)
    return line


def generic(name: str, value: str) -> str:
    """A variable's value with the tools that every machine with a compiler has: ``cc``, ``c++``, ``ar``."""
    if name in VARIABLES:
        return _generic_command(value)
    if name == "CONFIG_ARGS":
        return _CONFIGURED.sub(lambda match: f"{match[1]}={_generic_command(match[2])}", value)
    return value


def _generic_command(command: str) -> str:
    """``/usr/bin/s390x-linux-gnu-gcc-12 -pthread`` as ``cc -pthread``; spacing stays."""
    return "".join(map(_generic_word, re.split(r"(\s+)", command)))


def _generic_word(word: str) -> str:
    return next((name for pattern, name in _GENERIC if pattern.fullmatch(word)), word)
