"""Owns what a build's compilers, sysroot and flags are called, and what users have in their stead; pure text."""

from __future__ import annotations

import re

# PBS's own sysroot: `/tools/deps` on Linux, under a temporary directory on macOS.
_ROOMS = r"(?:deps|host|llvm|gcc|musl|clang[\w.-]*|[\w.-]*toolchain[\w.-]*)"
_TOOLS = rf"(?:/[\w.+-]+)*/tools/{_ROOMS}(?:/[^\s'\",:;)]*)?(?![\w.+-])"
_START, _END = r"(?:(?<=[\s'\"=])|^)", r"(?:[ \t]+|(?=['\"])|$)"

MARKS = ("/tools/", "sysroot", "-fdebug-default")  # no line without one of these needs `without_sysroot`
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
