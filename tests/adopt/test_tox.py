"""Lists of tox' environments: which factors are Pythons, how braces expand, and errors of a broken file."""

from __future__ import annotations

from configparser import RawConfigParser

import pytest

from provision.adopt.mention import LineError, Reading
from provision.adopt.tox import read_base_python, read_env_list, read_tox_ini


def listed(text: str) -> list[str]:
    reading = Reading("tox.ini")
    read_env_list(text, reading, key="envlist", line=1)
    return [str(mention.given) for mention in reading.mentions]


@pytest.mark.parametrize(
    ("text", "pythons"),
    [
        ("py{311,312,313}", ["3.11", "3.12", "3.13"]),
        ("py{311,312}-{a,b}, lint", ["3.11", "3.12"]),
        ("{py311,py312}-x\npypy310", ["3.11", "3.12", "pypy3.10"]),
        ("py3{8-10,12}", ["3.8", "3.9", "3.10", "3.12"]),
        ("py313t, 3.14t, 3.12.5-x", ["3.13t", "3.14t", "3.12.5"]),
        ("py, python, lint-py39 # py38\n  docs", ["3.9"]),
        ("py3", ["3"]),
        ("{311,312}, py{", []),
        ("{a,b}" * 40 + "-py39", ["3.9"]),
        ("py3{1-9999}", [f"3.{minor}" for minor in range(1, 52)]),
    ],
)
def test_factors_that_are_pythons_are_found(text: str, pythons: list[str]) -> None:
    assert listed(text) == pythons


def test_base_pythons_are_read_after_conditions_but_not_from_substitutions() -> None:
    reading = Reading("tox.ini")
    for text in ("docs: python3.12", "python3.11, pypy3", "{env:BASE}", "py", "/usr/bin/python3"):
        read_base_python(text, reading, key="basepython", line=4)
    assert [str(mention.given) for mention in reading.mentions] == ["3.12", "3.11", "pypy3"]
    assert [str(problem) for problem in reading.problems] == [
        "tox.ini:4: basepython: '{env:BASE}' is evaluated only when the tool runs; add the version by hand"
    ]


def test_the_sections_of_setup_cfg_have_other_names() -> None:
    reading = Reading("setup.cfg")
    read_tox_ini("[metadata]\nenvlist = py27\n\n[tox:tox]\nenvlist = py312\n", reading, first_line=10)
    assert [(mention.where, str(mention.given)) for mention in reading.mentions] == [("setup.cfg:14", "3.12")]


def test_values_are_those_that_configparser_reads() -> None:
    text = """
# a comment
[tox]
ENVLIST : py311
  # a comment within
  ; another

    py312
 = py39
  [x] = 1
env_list=py38
env_list = py310

[testenv:docs]
  basepython = python3.13
   : python3.14
  = none
"""
    reading, parser = Reading("tox.ini"), RawConfigParser(strict=False)
    parser.read_string(text.replace("  = none\n", ""))
    values = [parser[section][key] for section, key in (("tox", "envlist"), ("tox", "env_list"))]
    assert values == ["py311\n\npy312\n= py39\n[x] = 1", "py310"]
    assert parser["testenv:docs"]["basepython"] == "python3.13\n: python3.14"
    with pytest.raises(LineError, match="key = value"):
        read_tox_ini(text, reading)
    read_tox_ini(text.replace("  = none\n", ""), reading)
    assert [f"{mention.line} {mention.given}" for mention in reading.mentions] == [
        *("4 3.11", "4 3.12", "4 3.9"),
        "12 3.10",
        *("15 3.13", "15 3.14"),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [("envlist = py312", 1), ("[tox]\nenvlist = py312\n[", 3), ("[tox]\n=\n", 2), ("[tox]\nname\n", 2)],
)
def test_a_broken_file_is_an_error_with_its_line(text: str, line: int) -> None:
    with pytest.raises(LineError) as caught:
        read_tox_ini(text, Reading("tox.ini"))
    assert caught.value.line == line
