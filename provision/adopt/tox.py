"""Reader of tox' INI files: lists of environments, and ``basepython``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice, product

from provision.adopt.mention import LineError, Reading

# Environments that a list with braces may stand for: `{a,b}` twenty times would be a million.
_MAX_ENVIRONMENTS = 1000
_SECTION = re.compile(r"\[(.+)\]")
_OPTION = re.compile("([^=:]+)[=:](.*)")
_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"([0-9]{1,4})-([0-9]{1,4})")
# tox' own rule for which factor of `py312-django` is a Python. `py` and `python` are the one that runs tox.
_FACTOR = re.compile(r"(?:(?:py|python|cpython|pypy|graalpy|pp|gp)-?)[0-9][0-9.]*t?|[0-9]\.[0-9]+(?:\.[0-9]+)?t?")
# `docs,lint: python3.12`; `{env:X}` is none.
_CONDITION = re.compile(r"^[^{:\s]+:(?=\s)")


def read_tox_ini(text: str, reading: Reading, *, first_line: int = 1) -> None:
    """`tox.ini`, also in `setup.cfg` and in ``legacy_tox_ini``. Raises `ValueError` if it is not INI."""
    for (section, key), (line, value) in _ini_values(text, first_line).items():
        if key in {"basepython", "base_python"} and section.startswith("testenv"):
            for words in value:
                read_base_python(words, reading, key=key, line=line)
        elif key in {"envlist", "env_list"} and section in {"tox", "tox:tox"}:
            read_env_list("\n".join(value), reading, key=key, line=line)


def _ini_values(text: str, first_line: int) -> dict[tuple[str, str], tuple[int, list[str]]]:
    """The lines of each value by section and key, and its first line; of equal keys, the last counts.

    Reads INI as `configparser` does, but in linear time: that one needs quadratic time for lines that are not INI.
    """
    found: dict[tuple[str, str], tuple[int, list[str]]] = {}
    section: str | None = None
    value: list[str] | None = None
    indent = 0
    for number, line in enumerate(text.split("\n"), first_line):
        stripped = line.strip()
        if not stripped or stripped[0] in "#;":
            continue
        own_indent = len(line) - len(line.lstrip())
        if value is not None and own_indent > indent:
            value.append(stripped)
        elif header := _SECTION.match(stripped):
            section, value = header[1], None
        elif section is None:
            raise LineError("expected a [section] before the first key", number)
        elif option := _OPTION.fullmatch(stripped):
            value, indent = [option[2].strip()], own_indent
            found[section, option[1].rstrip().lower()] = (number, value)
        else:
            raise LineError("expected `key = value`", number)
    return found


def read_env_list(text: str, reading: Reading, *, key: str, line: int | None) -> None:
    """Add the Pythons of a list of environments: ``py{311,312}-{a,b}, py3{13-14}, lint``."""
    for environment in _environments(text):
        reading.count(len(environment))
        for factor in environment.split("-"):
            if _FACTOR.fullmatch(factor):
                reading.add(factor, "tested", key=key, line=line)


def read_base_python(text: str, reading: Reading, *, key: str, line: int | None) -> None:
    """Add ``basepython``: ``python3.12``, also after a condition, ``docs: python3.12``."""
    for word in _CONDITION.sub("", text).replace(",", " ").split():
        if "{" in word:
            reading.not_static(key, word, line)
        elif _FACTOR.fullmatch(word):
            reading.add(word, "tested", key=key, line=line)


def _environments(text: str) -> Iterator[str]:
    """The names in a list, with braces expanded and comments removed."""
    listed = "\n".join(line.partition("#")[0] for line in text.split("\n"))
    names = (name for word in _split_outside_braces(listed) for name in _expanded(word))
    yield from islice(names, _MAX_ENVIRONMENTS)


def _split_outside_braces(text: str) -> Iterator[str]:
    """The words between commas, blanks and line ends outside of braces."""
    depth = 0
    word: list[str] = []
    for character in text:
        depth += (character == "{") - (character == "}")
        if depth <= 0 and (character == "," or character.isspace()):
            if word:
                yield "".join(word)
            word = []
        elif not character.isspace():
            word.append(character)
    if word:
        yield "".join(word)


def _expanded(word: str) -> Iterator[str]:
    parts = _BRACES.split(word)
    choices = [_choices(part) if number % 2 else [part] for number, part in enumerate(parts)]
    for chosen in product(*choices):
        yield "".join(chosen)


def _choices(braces: str) -> list[str]:
    found: list[str] = []
    for choice in braces.split(","):
        span = _RANGE.fullmatch(choice)
        low, high = (int(span[1]), int(span[2])) if span else (1, 0)
        found += map(str, range(low, min(high, low + 50) + 1)) if span else [choice]
    return found
