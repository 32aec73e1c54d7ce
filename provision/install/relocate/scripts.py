"""Owns the first lines of Python scripts: a build-time shebang becomes one that finds the interpreter beside it."""

from __future__ import annotations

import re

from provision.install.relocate.configscript import REAL

# `#!/install/bin/python3.13 -E`; `/usr/bin/env python3` names no place and stays.
_SHEBANG = re.compile(r"#![ \t]*/[^\n]*?/((?:python|pypy|graalpy)[\w.]*)[ \t]*([^\n]*)\n")
# What PBS itself wrote, in three wordings over the years, and what this module writes.
_POLYGLOT = re.compile(
    r"#!/bin/sh\n"
    r"(?:'''exec'|\"exec\")[^\n]*?/((?:python|pypy|graalpy)[\w.]*)\"((?: -\w+)*) \"\$0\" \"\$@\"\n"
    r"(?:' '''\n)?"
)


def relocate(text: str, path: str, interpreters: frozenset[str], fallback: str) -> str:
    """Start ``path`` with the interpreter in this tree's ``bin/``: from anywhere, through links, with spaces around.

    ``interpreters`` are the names there are in ``bin/``; ``fallback`` is the real one among them.
    """
    match = _POLYGLOT.match(text) or _SHEBANG.match(text)
    if match is None:
        return text
    name = match[1] if match[1] in interpreters else fallback
    way = "" if path.startswith("bin/") else "../" * path.count("/") + "bin/"
    flags = f" {match[2].strip()}" if match[2].strip() else ""
    # To sh, two empty strings and a word, then an unfinished string that exec never reaches; to Python, a docstring.
    return (
        f"#!/bin/sh\n'''exec' \"$(dirname -- {REAL})/{way}{name}\"{flags} \"$0\" \"$@\"\n' '''\n{text[match.end() :]}"
    )
