"""Requests as other tools write them: accepted if unambiguous, else refused with a suggestion."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from provision.manifest.spellings import equivalent, respelled
from provision.manifest.version_request import REQUEST_PATTERN, parse_foreign_request, parse_request
from tests.support.project import Project


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("cp313t", "3.13t"),
        ("cp39", "3.9"),
        ("py312", "3.12"),
        ("pp311", "pypy3.11"),
        ("gp312", "graalpy3.12"),
        ("pypy311-linux-x86_64-gnu", "pypy-3.11-linux-x86_64-gnu"),
        ("python3.13", "3.13"),
        ("Python@3.13", "3.13"),
        ("3.14.x", "3.14"),
        ("3.14.*", "3.14"),
        ("3.x", "3"),
        ("3.14.*t", "3.14t"),
        ("latest", "3"),
        ("python", "3"),
        ("pypy", "pypy3"),
        ("graalpy@latest", "graalpy3"),
        ("3.16.0-alpha.2", "3.16.0a2"),
        ("3.16.0-beta.1", "3.16.0b1"),
        ("3.16.0-rc.1", "3.16.0rc1"),
        ("3.16.0.pre1", "3.16.0rc1"),
        (">=3.16.0-alpha.2,<3.17", ">=3.16a2,<3.17"),
        ("cpython-3.15.0rc1+freethreaded-linux-x86_64_v3-gnu", "cpython-3.15.0rc1+freethreaded-linux-x86_64_v3-gnu"),
        ("cpython-3.13.5-linux-aarch64-gnu", "cpython-3.13.5-linux-aarch64-gnu"),
    ],
)
def test_unambiguous_spellings_are_accepted(text: str, canonical: str) -> None:
    assert str(parse_request(text)) == canonical
    assert parse_request(canonical) == parse_request(text)
    assert re.search(REQUEST_PATTERN, text.lower())


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("314", "3.14"),
        ("314t", "3.14t"),
        ("v3.14", "3.14"),
        ("^3.13", ">=3.13,<4"),
        ("^3.13.2", ">=3.13.2,<4"),
        ("~3.13", "3.13"),
        ("~3.13.2", "~=3.13.2"),
        ("3.13+", ">=3.13"),
        ("=3.13", "3.13"),
        ("===3.13.2", "3.13.2"),
        ("~=3", ">=3"),
        (">=3.14.*", ">=3.14"),
        ("3.", "3"),
        ("3.12 - 3.14", ">=3.12,<3.15"),
        (">=3.12 <3.14", ">=3.12,<3.14"),
        ("3.14-t", "3.14t"),
        ("3.14-freethreaded", "3.14t"),
        ("3.14 debug", "3.14d"),
        ("3.14-dev", ">=3.14.0a1,<3.15"),
        ("3.14t-nightly", ">=3.14.0a1,<3.15+freethreaded"),
        ("pypy3.10-7.3.15", "pypy3.10+7.3.15"),
        ("pypy-3.10-v7.3.15", "pypy3.10+7.3.15"),
        ("graalpy3.11-24.0.0", "graalpy3.11+24.0.0"),
        ("prefix:3.12", "3.12"),
        ("~3", "3"),
        ("^3.9, !=3.9.1, <3.13", ">=3.9,<4,!=3.9.1,<3.13"),
        ("^3.9 <3.13", ">=3.9,<4,<3.13"),
    ],
)
def test_refused_spellings_have_a_suggestion(text: str, meant: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"; did you mean {meant!r}?")):
        parse_request(text)
    parse_request(meant)


@pytest.mark.parametrize("text", ["stable", "3.13 || 3.14", "3.14.2.1", "", "3.14-linux", "jython2.7"])
def test_meaningless_spellings_have_no_suggestion(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(?!.*did you mean)"):
        parse_request(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("system", "any interpreter installed on the machine"),
        ("miniconda3-latest", "a conda distribution"),
        ("anaconda3-2023.09-0", "a conda distribution"),
        ("miniforge3-24.1", "a conda distribution"),
        ("ref:v3.12.5", "a source tree or a path"),
        ("path:/opt/python", "a source tree or a path"),
        ("/usr/bin/python3", "a source tree or a path"),
        ("~/pythons/3.12", "a source tree or a path"),
        ("stackless-3.7.5", "names an unknown implementation"),
        ("nogil-3.9.10", "names an unknown implementation"),
    ],
)
def test_requests_that_cannot_be_satisfied_are_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        parse_foreign_request(text)


def test_in_files_of_other_tools_a_suggestion_is_used() -> None:
    assert str(parse_foreign_request("^3.11")) == ">=3.11,<4.0"
    assert str(parse_foreign_request("pypy3.10-7.3.15")) == "pypy3.10+7.3.15"
    assert parse_foreign_request("3.12") == parse_request("3.12")
    with pytest.raises(ValueError, match="at most 200 characters"):
        parse_foreign_request("3" * 201)


def test_only_requests_are_suggested() -> None:
    assert equivalent("v3.14", lambda text: text == "3.14") == "3.14"
    assert equivalent("v3.14", lambda text: False) == ""


@pytest.mark.parametrize("text", ["", "\0", "3.14", "x" * 100, "٣.١٤", ">=3.12"])
def test_unknown_spellings_are_unchanged(text: str) -> None:
    assert respelled(text) == text


def test_a_build_in_the_version_is_locked_like_one_in_the_key(tmp_path: Path) -> None:
    locks = []
    for number, entry in enumerate(('"3.14.7+20260814"', '{ version = "3.14.7", build = "20260814" }')):
        project = Project(tmp_path / str(number))
        project.write(f'[settings]\ntargets = ["linux-x86_64"]\n[pythons]\none = {entry}\n')
        project.run("lock", "--offline")
        locks.append(project.lock.read_text())
    assert locks[0] == locks[1]
    assert 'build = "20260814"' in locks[0]
    project.write('[pythons]\none = { version = "3.14.7+20260814", build = "20260901" }\n')
    assert '"20260901" contradicts `version`, which names 20260814' in project.run("lock", expect=2).err


def test_locking_notes_requests_that_pep_440_interprets_differently(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    project.write('[settings]\ntargets = ["linux-x86_64"]\n[pythons]\none = "==3.13"\n')
    said = project.run("lock", "--offline").err
    assert 'note: one: version ==3.13 means ==3.13.0 according to PEP 440; for all of 3.13 write "3.13"' in said
