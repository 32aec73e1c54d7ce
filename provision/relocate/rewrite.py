"""Rewriting text that contains paths and tools of the build machine.

`sysconfig` and `scripts` determine the files, and the expression for the prefix in the language of each file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from provision.model.value import frozen

# The prefix of PBS's builds, which `provision pack` writes as well.
PBS_PREFIX = "/install"

# Prefixes that other software shares: such a path in a text does not refer to this Python.
SHARED_PREFIXES = frozenset({"", "/usr", "/usr/local", "/opt", "/opt/local", "/home", "/root", "/var"})

# Variables of the Makefile and of sysconfig whose value is the command of a compiler or one of its tools.
TOOL_VARIABLES = (
    *("CC", "CXX", "CPP", "LINKCC", "MAINCC", "PY_CC", "PY_CXX", "BLDSHARED", "LDSHARED", "LDCXXSHARED"),
    *("AR", "NM", "OBJCOPY", "RANLIB", "READELF", "STRIP"),
)


@frozen
class BuildPaths:
    """The prefix of a build and the directories in which it was compiled; they do not exist on this machine."""

    prefix: str = PBS_PREFIX
    workdirs: tuple[str, ...] = ()  # longest first

    @classmethod
    def from_variables(cls, variables: Mapping[str, object]) -> BuildPaths:
        """The paths in the variables of a build's `_sysconfigdata`; a prefix that other software shares is ignored."""
        prefix = _own_path(variables, "prefix")
        named = {_own_path(variables, name) for name in ("abs_builddir", "abs_srcdir")}
        workdirs = (named | set(map(_normalize, named))) - {""}
        return cls(prefix=prefix or PBS_PREFIX, workdirs=tuple(sorted(workdirs, key=lambda path: (-len(path), path))))


def _own_path(variables: Mapping[str, object], name: str) -> str:
    path = str(variables.get(name, "")).rstrip("/")
    return path if path.startswith("/") and path not in SHARED_PREFIXES else ""


def _normalize(path: str) -> str:
    """``/b/release/../Python-3.13.5`` as ``/b/Python-3.13.5``."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            parts[1:] = parts[1:-1]
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


class PrefixRewriter:
    """Rewrites text: ``prefix`` replaces the build's prefix; flags and other paths of the build machine are removed.

    ``prefix`` is the expression for the tree's directory in the language of the text: ``$(prefix)`` in a Makefile.
    ``config_directory``, the directory of the Makefile in the tree, replaces the directories in which the build was
    compiled, as sysconfig does for ``srcdir``.
    """

    def __init__(self, build: BuildPaths, *, prefix: str, config_directory: str) -> None:
        self._marks = (build.prefix, *build.workdirs, *_SYSROOT_MARKS)
        replacements = [(path, f"{prefix}/{config_directory}") for path in build.workdirs]
        replacements.append((build.prefix, prefix))
        self._replacements = tuple((re.compile(whole_path_pattern(old)), new) for old, new in replacements)

    def rewrite(self, text: str) -> str:
        """Rewrite any text line by line; lines without paths or flags of the build are skipped."""
        parts: list[str] = []
        done = 0
        for start, end in _lines_with(self._marks, text):
            parts += text[done:start], self._rewrite_line(text[start:end])
            done = end
        return "".join([*parts, text[done:]])

    def rewrite_variable(self, name: str, value: str) -> str:
        """Rewrite the value of a variable; generic names such as ``cc`` replace those of the build's compiler tools."""
        value = with_generic_tools(name, value)
        rewritten = self.rewrite(value)
        return rewritten if rewritten == value else rewritten.rstrip()

    def rewrite_variables(self, variables: Mapping[str, object]) -> dict[str, object]:
        """Rewrite all values that are strings."""
        return {
            name: self.rewrite_variable(name, value) if isinstance(value, str) else value
            for name, value in variables.items()
        }

    def _rewrite_line(self, line: str) -> str:
        if any(mark in line for mark in _SYSROOT_MARKS):
            line = without_sysroot(line)
        for pattern, new in self._replacements:
            line = new.join(pattern.split(line))
        return line


def _lines_with(marks: Sequence[str], text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of each line that contains one of the marks."""
    found = set()
    for mark in marks:
        at = text.find(mark)
        while at >= 0:
            start, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
            end = len(text) if end < 0 else end
            found.add((start, end))
            at = text.find(mark, end)
    yield from sorted(found)


def whole_path_pattern(path: str) -> str:
    """A pattern for ``path`` as a whole path or the beginning of one, also directly after flags such as ``-L``.

    For ``/install``, it does not match in ``../Python/install-sh`` and ``/usr/bin/install``; it matches in
    ``./install``, which CPython writes for WASM.
    """
    return rf"(?:(?<![\w./@)}}~+-])|(?<=-[FILR])|(?<=(?<![\w./])\.)){re.escape(path)}(?![\w.+-])"


# PBS's sysroot: `/tools/deps` on Linux, below a temporary directory on macOS. A line may have a megabyte and be
# hostile, so no pattern may examine a position more than a few times: each match ends where the next one can begin
# (`_START`), and there is no backtracking into a match up to a mark: `(?>…)`, `++`.
_SYSROOT_MARK = r"/tools/(?:deps|host|llvm|gcc|musl|clang[\w.-]*|[\w.-]*toolchain[\w.-]*)(?![\w.+-])"
_SYSROOT = rf"(?>(?:/[\w.+-]++)*?{_SYSROOT_MARK})(?:/[^\s'\",:;)=]*+)?"
_SYSROOT_MARKS = ("/tools/", "sysroot", "-fdebug-default")  # `without_sysroot` changes no line without one of these
_START, _END = r"(?:(?<=[\s'\"=])|^)", r"(?:[ \t]++|(?=[\s'\"])|$)"
_REMOVALS = (
    # Flags that are only valid on the build machine; gcc does not support `-fdebug-default-version`.
    re.compile(
        rf"{_START}(?:-isysroot[= \t]++[^\s'\"]++|--sysroot[= \t]++[^\s'\"]++|-fdebug-default-version=\d++"
        rf"|(?:-isystem|-idirafter|-iquote|-[ILF])[ \t]*+{_SYSROOT}|-Wl,-rpath[,=]{_SYSROOT}){_END}"
    ),
    # `/tools/llvm/bin/llvm-profdata`: only the directory is removed, because users may have the program on PATH.
    re.compile(rf"{_START}(?:/[\w.+-]++)*/tools/[\w.+-]++/bin/(?=\w)"),
    # `'--with-openssl=/tools/deps'` in CONFIG_ARGS: the whole argument.
    re.compile(rf"'-{{0,2}}\w[\w-]*+=(?>[^'\n]*?{_SYSROOT_MARK})[^'\n]*+'[ \t]*+"),
    re.compile(rf"{_START}(?>[^\s'\"=]*?{_SYSROOT_MARK})[^\s'\"]*+{_END}"),
)


def without_sysroot(line: str) -> str:
    """``line`` without the flags and words that point into the build's sysroot or SDK."""
    for pattern in _REMOVALS:
        line = pattern.sub("", line)
    return line


_DIRECTORY_AND_TRIPLE, _SUFFIX = r"(?:/\S*/)?(?:[\w.]+-)*", r"(?:-\d[\d.]*)?"
_GENERIC_TOOLS = (
    (re.compile(rf"{_DIRECTORY_AND_TRIPLE}(?:clang|gcc|cc){_SUFFIX}"), "cc"),
    (re.compile(rf"{_DIRECTORY_AND_TRIPLE}(?:clang\+\+|g\+\+|c\+\+){_SUFFIX}"), "c++"),
    *(
        (re.compile(rf"{_DIRECTORY_AND_TRIPLE}{tool}{_SUFFIX}"), tool)
        for tool in ("ar", "ranlib", "nm", "strip", "objcopy", "readelf", "ld")
    ),
)
_TOOL_IN_CONFIG_ARGS = re.compile(rf"(?<=')({'|'.join(TOOL_VARIABLES)})=([^'\n]*)(?=')")


def with_generic_tools(name: str, value: str) -> str:
    """The value of a variable with the generic names of tools, which exist wherever a compiler does: ``cc``, ``ar``."""
    if name in TOOL_VARIABLES:
        return _generic_command(value)
    if name == "CONFIG_ARGS":
        return _TOOL_IN_CONFIG_ARGS.sub(lambda match: f"{match[1]}={_generic_command(match[2])}", value)
    return value


def _generic_command(command: str) -> str:
    """``/usr/bin/s390x-linux-gnu-gcc-12 -pthread`` as ``cc -pthread``; white space is kept."""
    return "".join(map(_generic_word, re.split(r"(\s+)", command)))


def _generic_word(word: str) -> str:
    return next((name for pattern, name in _GENERIC_TOOLS if pattern.fullmatch(word)), word)
