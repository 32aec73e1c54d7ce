"""Addresses and version of the project: texts agree with the metadata, and no placeholder is left."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest
import yaml

from provision import __version__
from tests.integrations.projects import ROOT
from tools.references import REPOSITORY, VERSION, Addresses, addresses, current_part, renew, texts

TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in texts()}


def test_texts_name_the_repository_and_the_version_of_the_metadata() -> None:
    slugs = {(name, slug) for name, text in TEXTS.items() for slug in REPOSITORY.findall(text)}
    assert {slug for _, slug in slugs} == {addresses().slug}
    assert len(slugs) >= 4
    current = {name: current_part(text, __version__) for name, text in TEXTS.items()}
    versions = {(name, version) for name, text in current.items() for version in VERSION.findall(text)}
    assert {version for _, version in versions} == {__version__}, "run `python -m tools.references`"
    assert len(versions) >= 5


def test_no_placeholder_is_left() -> None:
    """Our placeholders: a command that a reader copies runs unchanged."""
    placeholder = re.compile(r"\bOWNER\b|\b0{40}\b|<commit>|@<|git\+https")
    assert [(name, found) for name, text in TEXTS.items() for found in placeholder.findall(text)] == []


def test_the_addresses_are_those_of_one_repository() -> None:
    found = addresses()
    assert re.fullmatch(r"https://github\.com/[\w-]+/provision", found.repository)
    assert found.documentation.startswith("https://")


def test_other_addresses_and_a_new_version_reach_every_text() -> None:
    other = Addresses(repository="https://github.com/acme/provision", documentation="https://docs.acme.example/p")
    for name, text in TEXTS.items():
        renewed = renew(text, addresses(), other, "9.8.7")
        assert addresses().slug not in renewed, name
        assert addresses().documentation not in renewed, name
        assert set(VERSION.findall(renewed)) <= {"9.8.7"}
        assert renew(renewed, other, addresses(), __version__) == text


def test_the_command_changes_pyproject_and_the_texts(tmp_path: Path) -> None:
    """In a copy of the sources, as a fork does."""
    copy = tmp_path / "sources"
    copytree(ROOT, copy, ignore=ignore_patterns(".*", "tests", "data", "__pycache__", "benchmarks"))
    command = [sys.executable, "-m", "tools.references", "--repository", "https://github.com/acme/provision"]
    done = subprocess.run(command, cwd=copy, check=True, capture_output=True, text=True)
    changed = done.stdout.split()
    assert "pyproject.toml" in changed
    assert "docs/ci.md" in changed
    assert 'Issues = "https://github.com/acme/provision/issues"' in (copy / "pyproject.toml").read_text()
    assert "uses: acme/provision@v" in (copy / "docs" / "ci.md").read_text()
    assert subprocess.run(command[:3], cwd=copy, check=True, capture_output=True).stdout == b""
    for option, value in (("--repository", "acme/provision"), ("--documentation", "docs")):
        refused = subprocess.run([*command[:3], option, value], cwd=copy, check=False, capture_output=True, text=True)
        assert (refused.returncode, f"{option}: expected" in refused.stderr) == (2, True)
    assert subprocess.run(command[:3], cwd=copy, check=True, capture_output=True).stdout == b""


@pytest.mark.parametrize("name", ["docs/ci.md", "README.md"])
def test_examples_in_yaml_can_be_read(name: str) -> None:
    for block in re.findall(r"```yaml\n(.*?)```", TEXTS[name], re.DOTALL):
        assert yaml.safe_load(block)


def test_entries_of_older_releases_keep_the_versions_that_they_name() -> None:
    install = "pip install pyprovision==0.1.0, uses: a/provision@v0.1.0, rev: v0.1.0\n"
    parts = [f"# Changelog\n\n{install}", f"## [Unreleased]\n{install}", f"## [0.2.0]\n{install}"]
    older = f"## [0.1.1]\n{install}## [0.1.0]\n{install}"
    here = Addresses(repository="https://github.com/a/provision", documentation="https://a.example")
    there = Addresses(repository="https://github.com/b/provision", documentation="https://b.example")
    renewed = renew("".join(parts) + older, here, here, "0.2.0")
    assert renewed == "".join(parts).replace("==0.1.0", "==0.2.0").replace("v0.1.0", "v0.2.0") + older
    assert "@v0.1.0" in renew(older, here, here, "0.2.0")
    assert renew(older, here, there, "0.2.0") == older.replace("a/provision", "b/provision")
    assert renew(install, here, here, "0.2.0").count("0.2.0") == 3
