"""The docs' first pages: each command of the tutorial is run, and claims about builds are checked with the catalog."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from provision.catalog.components import bundled_table, components_of
from provision.catalog.snapshot import bundled_catalog
from provision.model.asset import Asset
from provision.model.version import Version
from tests.support.hosts import run_on, serve_stand_ins
from tests.support.project import Project
from tests.support.server import Server

DOCS = Path(__file__).resolve().parent.parent / "docs"
HOST = "linux-x86_64"


def tutorial() -> list[tuple[str, str]]:
    """The commands of the page in order, each with what it prints, if the page shows that."""
    blocks = re.findall(r"^```console\n(.*?)^```$", (DOCS / "start.md").read_text(), re.DOTALL | re.MULTILINE)
    parts = re.split(r"^\$ (.*)\n", "".join(blocks), flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


@pytest.fixture
def repository(tmp_path: Path) -> Project:
    project = Project(tmp_path / "project")
    subprocess.run(["git", "init", "--quiet", project.directory], check=True)
    for name, value in (("user.name", "Test"), ("user.email", "test@example.com"), ("commit.gpgsign", "false")):
        subprocess.run(["git", "-C", project.directory, "config", name, value], check=True)
    return project


@pytest.mark.slow
def test_every_command_of_the_tutorial_prints_the_shown_output(repository: Project, server: Server) -> None:
    """From the first `sync` on, archives with the same names on loopback replace upstream's."""
    commands = tutorial()
    assert [command for command, _ in commands if command.startswith("provision sync")]
    for command, printed in commands:
        program, *words = shlex.split(command)
        if words == ["sync"]:
            serve_stand_ins(repository.lock, server.root, server.url)
        if program == "git":
            subprocess.run([program, *words], cwd=repository.directory, check=True)
        elif program == "eval":
            (inner,) = re.findall(r"\$\(provision (.*)\)", command)
            assert "PATH" in run_on(HOST, repository, *inner.split()).out
        else:
            assert program == "provision"
            done = run_on(HOST, repository, *words)
            assert not printed or done.out == printed, command
    assert "installed" in run_on(HOST, repository, "list").out


def linux_build(version: str, build: str) -> Asset:
    assets = bundled_catalog().assets("cpython", Version.parse(version), build)
    return next(
        asset
        for asset in assets
        if asset.target.short == HOST
        and (asset.cpu, asset.flavor, str(asset.options)) == ("baseline", "install_only_stripped", "pgo+lto")
    )


def test_the_picture_shows_the_properties_of_two_real_builds() -> None:
    text = (DOCS / "images" / "same-version.svg").read_text()
    (version,) = re.findall(r"<text[^>]*>CPython ([\d.]+), linux-x86_64<", text)
    rows = re.findall(r">(\d{8})<.*?>([0-9a-f]{12})…<.*?>OpenSSL ([\d.]+)<", text, re.DOTALL)
    assert len(rows) == 2
    for build, sha256, openssl in rows:
        asset = linux_build(version, build)
        assert asset.sha256.hex.startswith(sha256)
        found = {component.name: component.version for component in components_of(asset, bundled_table()) or ()}
        assert found["openssl"] == openssl
    assert len({openssl for _, _, openssl in rows}) == 2


def test_the_landing_page_shows_the_properties_of_a_real_asset() -> None:
    (shown,) = re.findall(r'^sha256 = "([0-9a-f]{64})"$', (DOCS / "index.md").read_text(), re.MULTILINE)
    assert shown == str(linux_build("3.14.10", "20261110").sha256)


def test_the_number_of_builds_of_one_version_is_that_of_the_catalog() -> None:
    builds = bundled_catalog().builds("cpython", Version.parse("3.12.11"))
    found = [linux_build("3.12.11", build) for build in builds]
    assert len({asset.sha256 for asset in found}) == len(found)
    text = " ".join((DOCS / "why.md").read_text().split())
    assert (
        f"CPython 3.12.11 for {HOST}, for example, was built {len(found)} times, each time with a different sha256"
        in text
    )


def test_every_cell_of_the_comparison_has_its_evidence() -> None:
    text = (DOCS / "comparison.md").read_text()
    assert re.search(r"as of \d{4}-\d{2}-\d{2}\.", text)
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    cells = [row for row in rows if "evidence" not in row and "task" not in row]
    assert len(cells) > 15
    for row in cells:
        last = row[-1]
        assert last in {"–", "all of these"} or re.search(r"\]\((https://|../tests/|[a-z-]+\.md#)", last), row
    for row in cells[-10:]:
        assert "](../tests/" in row[1] or "](python-tools.md)" in row[1], row
