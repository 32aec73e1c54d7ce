"""Every disagreement between a locked entry and its request, as values."""

from __future__ import annotations

from typing import Any

import pytest

from provision.lock.lock import LockedPython
from provision.lock.matching import OptionFilter, request_disagreements
from provision.model.asset import BuildOptions, Digest
from provision.model.target import Target
from provision.model.tree import TreeOptions
from provision.model.value import replace
from tests.lock.edits import (
    CUSTOM_URL,
    NAMED,
    REQUESTS,
    TWO,
    custom_entry,
    resolved,
    with_rows,
)
from tests.lock.samples import asset, request

# What people may edit, and which of an entry's properties does not match its request then, for which target and level.
STRICT = '{ version = "3.14", cpu = "v3", targets = ["linux-x86_64"] }'
AUTO = '{ version = "3.14", cpu = "auto" }'
LINUX = "linux-x86_64"


def all_rows(**changes: Any) -> Any:
    return lambda python: with_rows(python, [replace(row, **changes) for row in python.assets])


def linux(**changes: Any) -> Any:
    """Change the rows for Linux, or leave them out."""

    def edit(python: LockedPython) -> LockedPython:
        others = [row for row in python.assets if row.target.short != LINUX]
        rows = [row for row in python.assets if row.target.short == LINUX]
        return with_rows(python, [*others, *(replace(row, **changes) for row in rows if changes)])

    return edit


def beside(**changes: Any) -> Any:
    """Add a row that is like the first one, but for some values."""
    return lambda python: with_rows(python, [*python.assets, replace(python.assets[0], **changes)])


@pytest.mark.parametrize(
    ("entry", "settings", "edit", "found"),
    [
        ('"3.14"', TWO, all_rows(implementation="pypy"), ["implementation"]),
        ('"3.14"', TWO, all_rows(version=asset("3.13.5+1").version), ["version"]),
        ('"3.14"', TWO, all_rows(version=asset("3.14.0rc1+1").version), ["prerelease"]),
        ('{ version = "3.14", build = "20260814" }', TWO, all_rows(build="20250101"), ["build"]),
        ('{ version = "3.14", flavor = "full" }', TWO, all_rows(flavor="install_only"), ["flavor"]),
        ('"3.14"', TWO, lambda python: replace(python, tree=TreeOptions(bytecode=True)), ["tree"]),
        ('"3.14"', TWO, linux(), [f"target {LINUX}"]),
        ('"3.14"', TWO, beside(target=Target.parse("linux-aarch64")), ["target linux-aarch64 baseline"]),
        ('"3.14"', "", beside(target=Target.parse("linux-aarch64")), []),
        ('"3.14"', TWO, linux(options=BuildOptions.parse("freethreaded+pgo")), [f"options {LINUX} baseline"]),
        (STRICT, "", beside(cpu="baseline"), [f"cpu {LINUX} baseline"]),
        (STRICT, "", linux(cpu="baseline"), [f"cpu {LINUX}", f"cpu {LINUX} baseline"]),
        ('"3.14"', f'{TWO}\ncpu = "v3"', linux(cpu="baseline"), []),
        ('"3.14"', TWO, linux(cpu="v4"), [f"cpu {LINUX} v4"]),
        (AUTO, TWO, linux(cpu="v3"), [f"cpu {LINUX}"]),
        (REQUESTS[-1][0], "", linux(sha256=Digest("0" * 64)), [f"sha256 {LINUX} baseline"]),
        (custom_entry("a+b.tar.gz"), "", linux(url=CUSTOM_URL.format("a%2Bb.tar.gz")), []),
        (custom_entry("a+b.tar.gz"), "", linux(url=CUSTOM_URL.format("b.tar.gz")), [f"url {LINUX} baseline"]),
        (custom_entry("a+b.tar.gz"), "", linux(sha256=Digest("0" * 64)), [f"sha256 {LINUX} baseline"]),
        (custom_entry("a+b.tar.gz"), "", beside(cpu="v3"), [f"cpu {LINUX} v3"]),
        (
            custom_entry("a+b.tar.gz", 'cpu = "v3"'),
            "",
            linux(cpu="baseline"),
            [f"cpu {LINUX}", f"cpu {LINUX} baseline"],
        ),
        (custom_entry(NAMED), 'cpu = "auto"', linux(size=7), []),
    ],
)
def test_each_disagreement_has_its_key_and_target(entry: str, settings: str, edit: Any, found: list[str]) -> None:
    asked, python = resolved(entry, settings)
    told = [
        " ".join(
            word
            for word in (each.key, each.target.short if each.target else "", each.asset.cpu if each.asset else "")
            if word
        )
        for each in request_disagreements(asked.requests[0], edit(python))
    ]
    assert told == found


def test_with_a_level_preferred_by_the_settings_one_row_is_locked_for_each_target() -> None:
    asked, python = resolved('"3.14"', f'{TWO}\ncpu = "v3"')
    (found,) = request_disagreements(asked.requests[0], with_rows(python, [*python.assets, asset()]))
    assert (found.key, found.requested, found.locked, found.asset) == ("cpu", "v3", "baseline", asset())


OPTIONS = ("pgo+lto", "lto", "", "debug", "freethreaded+lto", "freethreaded+debug", "lto+static", "pgo+shared")


@pytest.mark.parametrize(
    ("asked", "accepted"),
    [
        ('"3.14"', {"pgo+lto", "lto", "", "pgo+shared"}),
        ('"3.14t"', {"freethreaded+lto"}),
        ('"3.14d"', {"debug"}),
        ('"3.14td"', {"freethreaded+debug"}),
        ('{version = "3.14", build-options = ["freethreaded"]}', {"freethreaded+lto"}),
        ('{version = "3.14", build-options = ["debug"]}', {"debug"}),
        ('{version = "3.14", build-options = []}', {"pgo+lto", "lto", "", "pgo+shared"}),
        ('{version = "3.14", build-options = ["lto"]}', {"lto"}),
        ('{version = "3.14", build-options = ["pgo", "lto"]}', {"pgo+lto"}),
        ('{version = "3.14", build-options = ["static"]}', {"lto+static"}),
        ('{version = "3.14", build-options = ["static", "noopt"]}', set()),
        ('{version = "3.14", build-options = ["shared"]}', {"pgo+shared"}),
        ('{version = "3.14t", build-options = ["lto"]}', {"freethreaded+lto"}),
    ],
)
def test_options_include_the_requested_ones_and_optimisations_match_exactly(asked: str, accepted: set[str]) -> None:
    wanted = OptionFilter.of(request(asked))
    assert {options for options in OPTIONS if wanted.accepts(BuildOptions.parse(options))} == accepted
