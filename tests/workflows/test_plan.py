"""Saved plans: what `save_plan` writes is loaded again, anything else is refused with the place of the mistake."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from provision.cli.app import run_app
from provision.errors import StoreError, UsageError
from provision.workflows.lock import lock
from provision.workflows.options import Options, Scope
from provision.workflows.plan import load_plan, plan, save_plan
from tests.support.project import Project


@pytest.fixture
def options(tmp_path: Path) -> Options:
    """A project with a lock, whose store is empty."""
    tmp_path.joinpath("pythons.toml").write_text('[pythons]\none = "3.13.5"\n')
    options = Options.of(
        {}, home=tmp_path / "h", cache=tmp_path / "c", manifest=tmp_path / "pythons.toml", offline=True
    )
    lock(options)
    return options


@pytest.fixture
def saved(options: Options, tmp_path: Path) -> Path:
    path = tmp_path / "saved.plan"
    save_plan(path, plan(options, Scope(prune=True)))
    return path


def test_a_saved_plan_is_loaded_unchanged(options: Options, saved: Path) -> None:
    loaded = load_plan(options, saved)
    assert loaded.scope == Scope(prune=True)
    assert loaded.plan == plan(options, Scope(prune=True)).plan


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"provision-plan": 2}, "provision-plan: expected 1"),
        ({"provision-plan": True}, "provision-plan: expected a whole number, 0 or more"),
        ({"wanted": []}, "wanted: expected an object"),
        ({"wanted": {}}, "wanted.names: is missing"),
        ({"wanted": {"names": [1]}}, "wanted.names: expected a list of strings"),
        ({"wanted": {"names": [], "targets": [], "cpu": 3}}, "wanted.cpu: expected a string"),
        ({"wanted": {"names": [], "targets": [], "cpu": "v2", "prune": 0}}, "wanted.prune: expected true or false"),
        (
            {"wanted": {"names": [], "targets": [], "cpu": "v2", "prune": True, "jobs": 2}},
            "wanted.jobs: is not expected",
        ),
        ({"plan": None}, "plan: expected an object"),
        ({"more": 1}, "more: is not expected"),
    ],
)
def test_an_invalid_document_is_refused(options: Options, saved: Path, change: dict[str, Any], message: str) -> None:
    saved.write_text(json.dumps(json.loads(saved.read_text()) | change))
    with pytest.raises(UsageError, match=r"saved\.plan is not a saved plan: ") as caught:
        load_plan(options, saved)
    assert str(caught.value).endswith(f": {message}")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 10_000])
def test_a_document_that_is_not_an_object_is_refused(options: Options, saved: Path, content: bytes) -> None:
    saved.write_bytes(content)
    with pytest.raises(UsageError, match="is not a saved plan"):
        load_plan(options, saved)


def test_a_missing_file_and_a_directory_are_refused(options: Options, tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none.plan", "does not exist"), (tmp_path, "is not a regular file, or is too large")):
        with pytest.raises(UsageError, match=f"cannot read the plan .*: it {why}"):
            load_plan(options, path)


def test_a_missing_parent_directory_of_an_output_is_not_created(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tmp_path / "project")
    project.write('[pythons]\none = "3.13"\n')
    project.run("lock")
    for name, value in project.environ().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(project.directory)
    for words in (
        "plan -o no/x.plan",
        "sbom -o no/x.json",
        "init -m no/ci.toml",
        "bundle create -o no/x.tar",
        "bundle create -o no/x",
        "image -o no/x",
        f"pack {sys.base_prefix} -o no/x",
        "prefetch --trace no/x",
    ):
        with pytest.raises(StoreError, match=r"cannot write .*no/.*: there is no directory ") as caught:
            run_app(words.split())
        assert caught.value.hint == f"Create the directory {project.directory / 'no'}, or write to another one."
    assert not (project.cache / "archives").exists(), "nothing is downloaded before"
