"""`export`, run as a user runs it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from provision.cli.commands.export import complete_formats
from provision.errors import (
    LockFileError,
    ManifestError,
    ProvisionError,
    SeveralErrors,
    StoreError,
    UsageError,
)
from provision.workflows.export import EXPORT_FORMATS, export, write_export
from provision.workflows.options import Options, parse_targets
from tests.support.project import Project

MANIFEST = """\
[pythons]
default = { version = "3.13.13", build = "20260602", targets = ["linux-x86_64", "macos-aarch64"] }
debug = { version = "3.13.13d", build = "20260602", targets = ["linux-x86_64"] }
other = { version = "3.12.11", build = "20250612", targets = ["windows-x86_64"] }
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("export") / "project")
    project.write(MANIFEST)
    project.run("lock", "--offline")
    return project


def options(project: Project) -> Options:
    return Options.of({}, home=project.home, cache=project.cache, manifest=project.manifest)


def test_stdout_and_the_file_are_the_same_in_every_run(project: Project) -> None:
    printed = project.run("export", "nix", PYTHONHASHSEED="1")
    warning = "warning: the format nix cannot hold windows-x86_64 (target)\n"
    assert printed.err == warning
    written = project.run("export", "nix", "-o", "pythons.nix", PYTHONHASHSEED="2")
    assert (written.out, written.err) == ("", f"{warning}wrote pythons.nix: 3 archives\n")
    assert (project.directory / "pythons.nix").read_text() == printed.out


@pytest.mark.parametrize("style", EXPORT_FORMATS)
def test_every_format_is_deterministic_and_ends_with_a_line_break(project: Project, tmp_path: Path, style: str) -> None:
    made = export(options(project), style, ("default",))
    write_export(made, tmp_path / "file")
    again = export(options(project), style, ("default",))
    assert (tmp_path / "file").read_text() == made.text == again.text
    assert made.text.endswith("\n")
    assert made.text.isascii()


def test_entries_and_targets_are_selected_in_their_order(project: Project) -> None:
    def chosen(*names: str, targets: tuple[str, ...] = ()) -> list[str]:
        return [row.label for row in export(options(project), "env", names, parse_targets(targets)).rows]

    everything = ["debug linux-x86_64", "default macos-aarch64", "default linux-x86_64", "other windows-x86_64"]
    assert chosen() == everything
    assert chosen("other", "default") == ["other windows-x86_64", "default macos-aarch64", "default linux-x86_64"]
    assert chosen(targets=("linux-x86_64",)) == ["debug linux-x86_64", "default linux-x86_64"]
    assert chosen(targets=("all",)) == everything


def test_format_names_are_completed() -> None:
    assert list(complete_formats("d")) == ["dockerfile", "devcontainer"]
    assert tuple(complete_formats("")) == EXPORT_FORMATS


def test_json_lists_the_assets_that_were_left_out(project: Project) -> None:
    document = project.run("export", "uv", "--json").document()
    assert (document["format"], document["archives"], document["left-out"]) == ("uv", 4, [])
    assert document["text"] == export(options(project), "uv").text
    document = project.run("export", "mise", "default", "debug", "--json", "-o", "mise.lock").document()
    assert (document["file"], document["archives"]) == ("mise.lock", 2)
    left_out = {"name": "debug", "target": "linux-x86_64", "cpu": "baseline", "reason": "debug build"}
    assert document["left-out"] == [left_out]


@pytest.mark.parametrize(
    ("style", "names", "targets", "error", "expected"),
    [
        ("uv", ("nobody",), (), ManifestError, "'nobody'"),
        ("uv", (), ("amiga",), UsageError, "--target: expected a target"),
        ("uv", ("other",), ("linux-x86_64",), LockFileError, "'other'"),
        ("uv", (), ("linux-riscv64",), SeveralErrors, "linux-riscv64"),
        ("mise", ("debug",), (), ProvisionError, "format mise: it cannot hold debug (debug build)"),
    ],
)
def test_entries_that_cannot_be_exported_are_an_error(
    project: Project,
    style: str,
    names: tuple[str, ...],
    targets: tuple[str, ...],
    error: type[ProvisionError],
    expected: str,
) -> None:
    with pytest.raises(error, match=re.escape(expected)):
        export(options(project), style, names, parse_targets(targets))


def test_an_unknown_format_is_one_error_and_writes_nothing(project: Project) -> None:
    ended = project.run("export", "default", "-o", "file", expect=2)
    assert ended.out == ""
    assert ended.err.startswith("error: FORMAT: expected one of uv, rules_python,")
    assert not (project.directory / "file").exists()


def test_an_output_that_cannot_be_written_and_an_entry_not_locked_are_errors(project: Project, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot write"):
        write_export(export(options(project), "uv"), tmp_path / "no" / "file")
    (tmp_path / "pythons.toml").write_text(MANIFEST)
    with pytest.raises(LockFileError, match=r"pythons\.lock"):
        export(Options.of({}, home=tmp_path, cache=tmp_path, manifest=tmp_path / "pythons.toml"), "uv")
