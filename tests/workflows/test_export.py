"""`export`, run as a user runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.cli.commands.export import complete_formats
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
    warning = "warning: nix has no place for windows-x86_64 (target)\n"
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


def test_formats_are_completed() -> None:
    assert list(complete_formats("d")) == ["dockerfile", "devcontainer"]
    assert tuple(complete_formats("")) == EXPORT_FORMATS


def test_json_says_what_was_left_out(project: Project) -> None:
    document = project.run("export", "uv", "--json").document()
    assert (document["format"], document["archives"], document["left-out"]) == ("uv", 4, [])
    assert document["text"] == export(options(project), "uv").text
    document = project.run("export", "mise", "default", "debug", "--json", "-o", "mise.lock").document()
    assert (document["file"], document["archives"]) == ("mise.lock", 2)
    left_out = {"name": "debug", "target": "linux-x86_64", "cpu": "baseline", "reason": "debug build"}
    assert document["left-out"] == [left_out]


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (("uvx",), 2, "FORMAT: expected one of uv, rules_python,"),
        (("default",), 2, "got 'default'"),
        (("uv", "nobody"), 2, "'nobody'"),
        (("uv", "--target", "amiga"), 2, "--target: expected a target"),
        (("uv", "other", "--target", "linux-x86_64"), 4, "'other'"),
        (("mise", "debug"), 1, "nothing to export in the format mise, which has no place for debug (debug build)"),
        (("uv", "-o", "no/such/folder/x.json"), 1, "cannot write"),
    ],
)
def test_what_cannot_be_exported_is_one_error(
    project: Project, words: tuple[str, ...], code: int, expected: str
) -> None:
    ended = project.run("export", *words, expect=code)
    assert ended.out == ""
    assert expected in ended.err


def test_without_a_lock_there_is_nothing_to_export(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    project.write(MANIFEST)
    assert "provision lock" in project.run("export", "uv", expect=4).err
