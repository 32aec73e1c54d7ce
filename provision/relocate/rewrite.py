"""Owns the rewriting of text that names a build's machine; which file to rewrite, and in what terms, the edits say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from provision.install.relocate import toolchain
from provision.install.relocate.origin import Origin


class Mender:
    """Rewrites text so that ``prefix`` stands where the build's prefix stood, and nothing else of the build is left.

    ``prefix`` is what means "where this tree is" in the language of the text: ``$(prefix)`` in a Makefile. ``config``
    is the Makefile's directory in the tree; it stands in for the directories of the build, as sysconfig has it for
    ``srcdir``.
    """

    def __init__(self, origin: Origin, *, prefix: str, config: str) -> None:
        self._marks = (origin.prefix, *origin.workdirs, *toolchain.MARKS)
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
        value = toolchain.generic(name, value)
        mended = self.text(value)
        return mended if mended == value else mended.rstrip()

    def _line(self, line: str) -> str:
        if any(mark in line for mark in toolchain.MARKS):
            line = toolchain.without_sysroot(line)
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
