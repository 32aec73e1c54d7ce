"""Reader of Dockerfiles: the Python images that stages begin with."""

from __future__ import annotations

import re
from collections.abc import Mapping

from provision.adopt.mention import Reading

_FROM = re.compile(r"from[ \t]++(?:--[^ \t]++[ \t]++)*+([^ \t]++)(?:[ \t]++as[ \t]++[^ \t]++)?", re.IGNORECASE)
_ARG = re.compile(r"arg[ \t]++([A-Za-z_][A-Za-z0-9_]*+)=[\"']?([^\"' \t]*+)", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*+)(?::?-([^}${]*+))?\}|\$([A-Za-z_][A-Za-z0-9_]*+)")
# `3.12.5-slim-bookworm`, and with the template's own version before it `1-3.12-bookworm`, as Dev Containers' images.
_TAG = re.compile(r"(?:[0-9]+(?:\.[0-9]+){0,2}-)?([0-9]\.[0-9]+(?:\.[0-9]+)?(?:(?:a|b|rc)[0-9]+)?|[0-9])(?:-.*)?")
_PYPY = re.compile(r"([0-9]\.[0-9]+)-([0-9]+\.[0-9]+\.[0-9]+)(?:-.*)?")
_UV = re.compile(r"(?:.*-)?python([0-9]\.[0-9]+t?)(?:-.*)?")


def read_dockerfile(text: str, reading: Reading) -> None:
    """``FROM python:3.12-slim``, ``FROM pypy:3.10``, uv's and Dev Containers' images, with the defaults of ``ARG``."""
    defaults: dict[str, str] = {}
    for line, instruction in _instructions(text):
        if argument := _ARG.match(instruction):
            defaults.setdefault(argument[1], argument[2])
        elif found := _FROM.fullmatch(instruction):
            _add(found[1], defaults, reading, line)


def _instructions(text: str) -> list[tuple[int, str]]:
    """Each instruction with the line where it begins: lines that end in a backslash go on, comments do not count."""
    found: list[tuple[int, str]] = []
    parts: list[str] = []
    start = 0
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if stripped.startswith("#"):
            continue
        start = start if parts else number
        parts.append(stripped.removesuffix("\\").strip())
        if not stripped.endswith("\\"):
            found.append((start, " ".join(filter(None, parts))))
            parts = []
    return [*found, (start, " ".join(filter(None, parts)))] if parts else found


def _add(image: str, defaults: Mapping[str, str], reading: Reading, line: int) -> None:
    filled = _filled(image, defaults, reading)
    name, _, tag = filled.partition("@")[0].rpartition(":") if ":" in filled.rpartition("/")[2] else (filled, "", "")
    name = (name or filled).partition("@")[0].rpartition("/")[2]
    if name not in {"python", "pypy", "uv"}:
        return
    if "$" in filled:
        reading.not_static("FROM", image, line)
    elif name == "uv":
        if found := _UV.fullmatch(tag):
            reading.add(found[1], "pin", key="FROM", line=line)
    elif name == "pypy" and (found := _PYPY.fullmatch(tag)):
        reading.add(f"pypy{found[1]}-{found[2]}", "pin", key="FROM", line=line)
    elif found := _TAG.fullmatch(tag):
        reading.add(found[1] if name == "python" else f"pypy{found[1]}", "pin", key="FROM", line=line)
    else:  # `python`, `python:latest`, `python:slim`, or a digest alone
        reading.add("latest" if name == "python" else "pypy", "pin", key="FROM", line=line)


def _filled(image: str, defaults: Mapping[str, str], reading: Reading) -> str:
    """The image with the variables that have a default; the others stay."""

    def value(match: re.Match[str]) -> str:
        found = defaults.get(match[1] or match[3], "") or match[2] or match[0]
        reading.count(len(found))
        return found

    return _VARIABLE.sub(value, image)
