"""`explain`: the reasons for a locked build, as text and as JSON, without a network."""

from __future__ import annotations

import pytest

from tests.support.project import Project

MANIFEST = """
[settings]
targets = ["linux-x86_64", "macos-aarch64"]
[pythons]
free = { version = "3.13t", build = "20260127" }
old = "3.9"
musl = { version = "3.12", build = "20240107", build-options = ["static"], targets = ["linux-x86_64-musl"] }
fast = { version = "3.13.11", cpu = "auto", targets = ["linux-x86_64"] }
never = "3.99"
"""


@pytest.fixture
def asked(project: Project) -> Project:
    project.write(MANIFEST)
    return project


def part(text: str, heading: str) -> list[str]:
    """The lines of one part of an explanation."""
    current, lines = "", []
    for line in text.splitlines()[1:]:
        current = line[2:8].strip() or current
        if current == heading:
            lines.append(line[9:])
    return lines


def test_the_request_the_matching_builds_and_the_chosen_one_are_explained(asked: Project) -> None:
    text = asked.run("explain", "free").out
    assert text.splitlines()[0] == "free would be locked: cpython 3.13.11+20260127 full"
    assert part(text, "asked")[0].startswith("CPython 3.13 of build 20260127, free-threaded")
    counts = [int(line.split()[0]) for line in part(text, "fits")]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 20_000
    assert "the manifest requests build 20260127" in part(text, "taken")
    assert part(text, "note")[-1] == "requires glibc 2.17 or newer: linux-x86_64"


def test_ends_of_life_and_static_builds_are_noted(asked: Project) -> None:
    assert any("past its end of life since" in line for line in part(asked.run("explain", "old").out, "note"))
    assert any("cannot load extension modules" in line for line in part(asked.run("explain", "musl").out, "note"))


def test_json_has_the_same_content(asked: Project) -> None:
    document = asked.run("explain", "fast", "--json").document()
    assert (document["version"], document["name"], document["locked"]) == (1, "fast", False)
    assert {asset["cpu"] for asset in document["python"]["assets"]} == {"baseline", "v2", "v3", "v4"}
    assert document["steps"][-1]["asked"] == "cpu baseline, v2, v3, v4"
    assert document["reasons"][0] == "the manifest requests version 3.13.11"


def test_a_locked_entry_has_what_an_upgrade_would_lock(project: Project) -> None:
    project.write(
        '[settings]\ntargets = ["linux-x86_64"]\n[pythons]\none = { version = "3.13.11", build = "20260127" }\n'
    )
    project.run("lock", "--offline")
    project.write('[settings]\ntargets = ["linux-x86_64"]\n[pythons]\none = "3.13"\n')
    project.run("lock", "--offline")
    text = project.run("explain", "one").out
    assert text.startswith("one is locked: cpython 3.13.11+20260127 ")
    assert part(text, "newer")[0].startswith("`provision lock --upgrade one` would lock 3.13.")


def test_the_error_of_an_impossible_request_is_that_of_lock(asked: Project) -> None:
    assert "no CPython 3.99 is known here" in asked.run("explain", "never", expect=1).err


def test_the_error_of_an_unknown_name_lists_the_entries(asked: Project) -> None:
    said = asked.run("explain", "freee", expect=2).err
    assert "has no entry 'freee'" in said
    assert "free, old, musl, fast, never" in said
