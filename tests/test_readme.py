"""The README: every command of its session, and the builds that its examples should lock."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from provision.catalog.catalog import publication_day
from provision.catalog.snapshot import bundled_catalog
from provision.lock.lock import LockedPython
from provision.lock.resolve import Resolution, resolve
from provision.manifest.read import parse_manifest
from provision.model.target import Target
from provision.model.version import Version
from tests.support.project import Project

ROOT = Path(__file__).resolve().parent.parent


def session() -> list[tuple[str, str]]:
    """The commands of the marked block, each with the lines printed below it."""
    text = (ROOT / "README.md").read_text()
    match = re.search(r"<!-- session -->\n```console\n(.*?)```", text, re.DOTALL)
    assert match is not None
    parts = re.split(r"^\$ (.*)\n", match[1], flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


def test_the_readme_shows_the_real_output_of_the_session(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    for command, printed in session():
        program, *words = shlex.split(command)
        assert program == "provision"
        assert project.run(*words, PROVISION_OFFLINE="1").out == printed, command


def test_the_committed_example_has_the_committed_lock_file(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    for name in ("pythons.toml", "pythons.lock"):
        (project.directory / name).write_bytes((ROOT / "examples" / name).read_bytes())
    project.run("lock", "--check", "--offline")
    before = project.lock.read_bytes()
    project.run("lock", "--offline")
    assert project.lock.read_bytes() == before
    project.lock.unlink()
    project.run("lock", "--offline")
    assert project.lock.read_bytes() == before


LINUX = Target.parse("linux-x86_64")
SETTINGS = '[settings]\ntargets = ["linux-x86_64", "macos-aarch64"]\n[pythons]\n'


def locked(entries: str) -> Resolution:
    """The result with the bundled catalog alone."""
    return resolve(parse_manifest(entries, Path("pythons.toml")), bundled_catalog(), None, host=LINUX)


def levels(python: LockedPython) -> set[str]:
    return {asset.cpu for asset in python.assets if asset.target == LINUX}


def is_newest(python: LockedPython, first: str, below: str) -> bool:
    """Whether it is the newest final release in a range, in its newest build."""
    catalog = bundled_catalog()
    versions = catalog.versions("cpython")
    newest = next(
        each for each in versions if Version.parse(first) <= each < Version.parse(below) and not each.prerelease
    )
    builds = catalog.builds("cpython", newest)
    return (python.version, python.build) == (newest, max(builds, key=lambda build: publication_day(build, None)))


# The expected builds of each row of the table; those with an ellipsis need more than the row says.
PROMISES: dict[str, Callable[[LockedPython], bool]] = {
    "newest 3.14, newest build of it": lambda python: is_newest(python, "3.14.0", "3.15.0a0"),
    "a range": lambda python: is_newest(python, "3.13.0", "3.15.0a0"),
    "without the GIL": lambda python: python.options.freethreaded,
    "debug build, assertions on": lambda python: python.options.debug,
    "the CPU's x86-64 level, chosen at sync": lambda python: levels(python) == {"baseline", "v2", "v3", "v4"},
    "one level": lambda python: levels(python) == {"v3"},
    "headers, static libraries, licences": lambda python: python.flavor == "full",
    "one optimisation profile": lambda python: {"pgo", "lto"} <= python.options.names and python.flavor == "full",
    "musl": lambda python: {asset.target.libc for asset in python.assets} == {"musl"},
    "a prerelease": lambda python: (python.version.major, python.version.minor) == (3, 15),
    "PyPy, GraalPy": lambda python: python.implementation in {"pypy", "graalpy"},
    "a smaller tree": lambda python: bool(python.tree.without),
}
_ELSEWHERE = {"exactly these bytes", "a custom archive", "no build younger than a few days"}


def requests_shown() -> dict[str, list[str]]:
    """The rows of the table, and the requests that each shows."""
    section = (ROOT / "README.md").read_text().partition("## What you can request\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.*?) \| (.*) \|$", section, re.MULTILINE)[1:]
    return {request: re.findall(r"`([^`]*[\"}])`", shown) for request, shown in rows}


@pytest.mark.parametrize("wish", PROMISES)
def test_every_request_in_the_table_is_locked_from_the_bundled_catalog(wish: str) -> None:
    requests = requests_shown()[wish]
    assert requests
    for request in requests:
        entry = request if re.match(r"[a-z0-9]+ = ", request) else f"it = {request}"
        if entry == 'it = "3.14td"':
            entry = 'it = { version = "3.14td", targets = ["linux-x86_64"] }'
        done = locked(f"{SETTINGS}{entry}\n")
        assert all(PROMISES[wish](python) for python in done.lock.pythons), request
        assert not [note for note in done.notes if "no known" in note and ", because " not in note]


def test_every_row_of_the_table_is_tested() -> None:
    assert set(requests_shown()) == {*PROMISES, *_ELSEWHERE}


def test_the_manifest_in_the_manual_is_locked_from_the_bundled_catalog() -> None:
    shown = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "manifest.md").read_text(), re.DOTALL)[0]
    catalog = bundled_catalog()
    pinned = next(
        asset
        for asset in catalog.assets("cpython", Version.parse("3.12.11"), "20250818")
        if asset.target == LINUX and asset.cpu == "baseline" and asset.flavor == "install_only_stripped"
    )
    manifest = shown.replace(
        'sha256  = { x86_64-unknown-linux-gnu = "…" }', f'sha256 = {{ linux-x86_64 = "{pinned.sha256}" }}'
    )
    pythons = {python.name: python for python in locked(manifest).lock.pythons}
    assert set(pythons) == {"default", "free", "fast", "alpine", "pinned"}
    assert levels(pythons["fast"]) == {"baseline", "v2", "v3", "v4"}
    assert pinned in pythons["pinned"].assets
