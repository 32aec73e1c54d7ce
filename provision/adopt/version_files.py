"""Readers of files that contain little but versions: pyenv's, asdf's, Heroku's."""

from __future__ import annotations

from provision.adopt.mention import Reading, lines_of


def read_python_version(text: str, reading: Reading) -> None:
    """`.python-version`, `.python-versions`: versions by line or separated by blanks, the first one is `python`."""
    for line, words in lines_of(text):
        for word in words.replace(":", " ").split() if words[:1].isdigit() else words.split():
            # An environment of pyenv-virtualenv: `3.12.5/envs/name`.
            reading.add(word.partition("/envs/")[0], "pin", line=line)


def read_tool_versions(text: str, reading: Reading) -> None:
    """`.tool-versions`: ``python 3.12.5 3.11.9``, where later versions are fallbacks."""
    for line, words in lines_of(text):
        tool, *versions = words.split()
        if tool in {"python", "core:python"}:
            for version in versions:
                reading.add(version, "pin", key=tool, line=line)


def read_runtime(text: str, reading: Reading) -> None:
    """`runtime.txt`: ``python-3.11.9`` in its first line."""
    for line, words in lines_of(text)[:1]:
        reading.add(words, "pin", line=line)
