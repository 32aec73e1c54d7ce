"""Entries by name and by version, for other tools: only those of a project, and only undamaged trees."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.host.detect import detect_host
from provision.lock.write import format_lock
from provision.model.asset import Asset, Digest
from provision.model.target import Target
from provision.model.value import replace
from provision.model.version import Version
from provision.store.layout import Store
from provision.workflows.discover import InterpreterSpec, NotUsable, discover
from provision.workflows.options import Options
from tests.lock.samples import asset, python
from tests.review.samples import lock
from tests.store.samples import ASSET as THREE_13
from tests.store.samples import FREE, Choice, install, link_project

NOTHING = InterpreterSpec()
LINUX = Target.parse("linux-x86_64")
V313 = InterpreterSpec(numbers=(3, 13, None))


def here(of: Asset) -> Asset:
    return replace(of, target=detect_host().target)


@pytest.fixture
def project(options: Options, tmp_path: Path) -> Options:
    """Entries ``free`` and ``default`` are installed, and ``older`` and ``next`` are not."""
    store = Store(options.home)
    default, free = here(THREE_13), here(FREE)
    older = replace(here(THREE_13), version=Version.parse("3.12.9"), sha256=Digest("2" * 64))
    later = replace(here(THREE_13), version=Version.parse("3.14.0rc1"), sha256=Digest("3" * 64))
    entries = {"default": default, "free": free, "next": later, "older": older}
    text = format_lock(lock(*(python(of, name=name) for name, of in entries.items())))
    (tmp_path / "pythons.lock").write_text(text)
    (tmp_path / "pythons.toml").write_text("[pythons]\n")
    for of in (default, free):
        install(store, of)
    link_project(tmp_path, store, [Choice(name="free", asset=free), Choice(name="default", asset=default)])
    return options


def test_an_entry_is_found_by_its_name_through_the_link_of_the_project(project: Options, tmp_path: Path) -> None:
    assert discover(project, "free", NOTHING) == tmp_path / ".pythons" / "free" / "bin" / "python"


def test_an_entry_is_found_by_its_version_and_variant(project: Options, tmp_path: Path) -> None:
    found = tmp_path / ".pythons" / "default" / "bin" / "python"
    assert discover(project, "3.13", V313) == found
    assert discover(project, ">=3.13", InterpreterSpec(accepts=lambda text: text.startswith("3.13."))) == found
    free = InterpreterSpec(numbers=(3, 13, None), freethreaded=True)
    assert discover(project, "3.13t", free) == tmp_path / ".pythons" / "free" / "bin" / "python"


def test_the_newest_matching_entry_is_selected(project: Options) -> None:
    found = discover(project, "3", InterpreterSpec(numbers=(3, None, None)))
    assert isinstance(found, NotUsable)
    assert found.name == "next"
    assert "provision sync next" in (found.error.hint or "")


def test_if_a_link_leads_elsewhere_the_tree_itself_is_found(project: Options, tmp_path: Path) -> None:
    (tmp_path / ".pythons" / "free").unlink()
    (tmp_path / ".pythons" / "free").symlink_to("/usr")
    found = discover(project, "free", NOTHING)
    assert isinstance(found, Path)
    assert found.is_relative_to(project.home)


@pytest.mark.parametrize("name", ["older", "next"])
def test_an_entry_that_is_not_installed_is_not_replaced_by_another_python(project: Options, name: str) -> None:
    found = discover(project, name, NOTHING)
    assert isinstance(found, NotUsable)
    assert found.error.hint == f"Run `provision sync {name}`."


def test_a_tree_of_another_archive_or_a_damaged_one_is_not_used(project: Options, tmp_path: Path) -> None:
    other = replace(here(THREE_13), sha256=Digest("0" * 12 + "9" * 52))
    text = format_lock(lock(python(other, name="default")))
    (tmp_path / "pythons.lock").write_text(text)
    assert isinstance(discover(project, "default", NOTHING), NotUsable)
    (tmp_path / "pythons.lock").write_text(format_lock(lock(python(here(FREE), name="free"))))
    program = Store(project.home).tree(Choice(name="free", asset=here(FREE)).key) / "bin" / "python3.13"
    program.chmod(0o644)
    found = discover(project, "free", NOTHING)
    assert isinstance(found, NotUsable)
    assert "damaged" in str(found.error)


def test_interpreters_that_are_not_locked_are_left_to_other_tools(project: Options, tmp_path: Path) -> None:
    assert discover(project, "3.11", InterpreterSpec(numbers=(3, 11, None))) is None
    assert discover(project, "/usr/bin/python3", NOTHING) is None
    (tmp_path / "pythons.lock").write_text("not a lock")
    assert discover(project, "free", V313) is None
    (tmp_path / "pythons.lock").unlink()
    assert discover(project, "free", V313) is None
    (tmp_path / "pythons.toml").unlink()
    assert discover(project, "free", V313) is None


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (InterpreterSpec(numbers=(3, None, None)), True),
        (InterpreterSpec(numbers=(3, 14, 7)), True),
        (InterpreterSpec(numbers=(3, 14, 0)), False),
        (InterpreterSpec(numbers=(3, 14, None), freethreaded=True), False),
        (InterpreterSpec(numbers=(3, 14, None), debug=True), False),
        (InterpreterSpec(numbers=(3, 14, None), implementation="cpython"), True),
        (InterpreterSpec(numbers=(3, 14, None), implementation="pypy"), False),
        (InterpreterSpec(numbers=(3, 14, None), bits=64, machine="x86_64"), True),
        (InterpreterSpec(numbers=(3, 14, None), bits=32), False),
        (InterpreterSpec(numbers=(3, 14, None), machine="arm64"), False),
        (InterpreterSpec(implementation="cpython"), False),
    ],
)
def test_a_spec_matches_the_expected_entries(spec: InterpreterSpec, expected: bool) -> None:
    assert spec.matches(python(asset("3.14.7+20260814")), LINUX) is expected
