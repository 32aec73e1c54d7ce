"""The pages in docs/: their snippets are valid, and their links lead somewhere."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from provision.cli.app import make_app
from provision.host.variables import KNOWN_VARIABLES
from provision.manifest.read import parse_manifest
from provision.model.target import KNOWN_TARGETS, Target
from tests.integrations.projects import ROOT
from tests.support.package import PACKAGE

PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"])
OURS = ("manifest", "migrating", "lock", "store", "commands", "cpu-and-libc", "ci", "git", "shell", "editors")


def snippets(language: str) -> list[tuple[str, str]]:
    fenced = re.compile(rf"^```{language}\n(.*?)^```$", re.DOTALL | re.MULTILINE)
    return [(path.name, text) for path in PAGES for text in fenced.findall(path.read_text())]


def page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text()


@pytest.mark.parametrize("name", OURS)
def test_the_pages_exist(name: str) -> None:
    assert page(name).startswith("# ")


@pytest.mark.parametrize(("name", "text"), snippets("toml"))
def test_toml_examples_are_valid(name: str, text: str) -> None:
    assert tomllib.loads(text)


def test_keys_of_entries_in_sentences_are_valid() -> None:
    keys = json.loads((ROOT / "schemas" / "pythons.schema.json").read_text())["$defs"]["entry"]["properties"]
    checked = set()
    for path in (ROOT / "README.md", *PAGES):
        for key, value in re.findall(r"`([a-z0-9-]+) = ([^`{…][^`…]*)`", path.read_text()):
            if key in set(keys) - {"default", "sha256", "url", "attestation"}:
                version = "" if key == "version" else 'version = "3.14", '
                parse_manifest(f"[pythons]\nx = {{ {version}{key} = {value} }}\n", Path(path.name))
                checked.add(key)
    assert len(checked) > 6


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_sentences_begin_with_a_capital(path: Path) -> None:
    assert not re.findall(r"[a-z`)]\. (?:run|see|use|pass|set) [^\n]*", path.read_text())


@pytest.mark.parametrize(("name", "text"), snippets("yaml"))
def test_yaml_examples_are_valid(name: str, text: str) -> None:
    assert yaml.safe_load(text)


@pytest.mark.parametrize(("name", "text"), snippets("json"))
def test_json_examples_are_valid(name: str, text: str) -> None:
    assert json.loads(text)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_to_files_of_the_project_are_valid(path: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        if not link.startswith("https://"):
            assert (path.parent / link).exists(), link


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_columns_of_tables_have_headings(path: Path) -> None:
    """Screen readers read the heading with each cell; `make docs` refuses an empty one."""
    heads = re.findall(r"^(\|.*\|)\n\|[-:| ]+\|$", path.read_text(), re.MULTILINE)
    assert [head for head in heads if re.search(r"\|\s*\|", head)] == []


def test_the_page_of_the_manifest_has_every_platform_with_its_triple() -> None:
    text = page("manifest")
    for line in text.splitlines():
        ends = re.findall(r"`…-([\w-]+)`", line)
        shorts = [short for short in re.findall(r"`([a-z]+-[a-z0-9_]+(?:-[a-z]+)?)`", line) if ends]
        for short in shorts:
            assert Target.parse(short).system == ends[0]
    for target in KNOWN_TARGETS.values():
        assert target.short in text or target.arch == "armv7", target


def test_the_commands_page_has_every_command() -> None:
    text = page("commands")
    for command in make_app().registered_commands:
        assert re.search(rf"`{command.name}\b", text), command.name


_USED = re.compile(r"(?:`|\$ |bin/|entry: |run: |^ +)provision ([a-z][a-z-]*)", re.MULTILINE)


def test_commands_that_the_pages_and_examples_use_exist() -> None:
    app = make_app()
    known = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
    known |= {"help", "--install-completion"}  # commands without a module
    paths = [*PAGES, *(ROOT / "examples").rglob("*.yml"), ROOT / ".pre-commit-hooks.yaml"]
    used = {name for path in paths for name in _USED.findall(path.read_text())}
    assert used <= known


def test_every_variable_is_in_the_table_of_the_commands_page() -> None:
    sources = (path.read_text() for path in PACKAGE.rglob("*.py"))
    used = {name for text in sources for name in re.findall(r"(?<!_)PROVISION_[A-Z]+(?:_[A-Z]+)*", text)}
    page = (ROOT / "docs" / "commands.md").read_text()
    assert used == set(re.findall(r"PROVISION_[A-Z]+(?:_[A-Z]+)*", page))


def test_variables_of_provision_are_not_reported_as_misspelled() -> None:
    page = (ROOT / "docs" / "commands.md").read_text()
    assert set(KNOWN_VARIABLES) == set(re.findall(r"PROVISION_[A-Z]+(?:_[A-Z]+)*", page))
