"""`init` and `import`: the manifests of small repositories, exactly; each is locked, and nothing is overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.cli.commands.adopt import present_adopted
from provision.cli.console import Console
from provision.errors import ManifestError, UsageError
from provision.lock.resolve import resolve
from provision.manifest.edit import COMMON_TARGETS, manifest_head, new_manifest
from provision.manifest.read import parse_manifest, read_manifest
from provision.model.value import replace
from provision.workflows.adopt import Adopted, import_files, init
from provision.workflows.lock import host_target
from provision.workflows.options import Options, parse_targets
from provision.workflows.trial import catalog_at_hand
from tests.adopt.samples import FOLDER, REPOSITORIES, write_repository
from tests.conftest import Golden

TARGETS = parse_targets(["linux-x86_64"])


def said(adopted: Adopted) -> str:
    """The entries of the manifest, and below it what the command says."""
    answer = present_adopted(adopted, "", Console(environ={}))
    entries = adopted.text.removeprefix(manifest_head(COMMON_TARGETS))
    return f"{entries}\n" + "".join(f"{line}\n" for line in (*answer.lines, *answer.warnings))


@pytest.mark.parametrize("name", REPOSITORIES)
def test_a_repository_gets_the_expected_manifest_and_is_locked(
    name: str, options: Options, tmp_path: Path, golden: Golden
) -> None:
    write_repository(name, tmp_path)
    adopted = init(options, COMMON_TARGETS)
    golden(FOLDER / f"{name}.golden", said(adopted))
    assert adopted.path.read_text() == adopted.text
    manifest = read_manifest(adopted.path)
    assert manifest.requests
    catalog = catalog_at_hand(options, manifest)
    assert catalog is not None
    locked = resolve(manifest, catalog, None, host=host_target(manifest)).lock
    assert {python.name for python in locked.pythons} == {request.name for request in manifest.requests}
    again = import_files(options, ())
    assert (again.entries, again.written) == ((), False), "all of it is in the manifest already"


def test_a_new_manifest_is_valid_and_replaces_no_existing_one(options: Options) -> None:
    path = init(options, TARGETS).path
    assert path == options.manifest
    assert [request.name for request in read_manifest(path).requests] == ["default"]
    with pytest.raises(ManifestError, match="already exists"):
        init(options, TARGETS)


def test_a_dangling_link_is_not_replaced_either(options: Options, tmp_path: Path) -> None:
    (tmp_path / "pythons.toml").symlink_to("missing.toml")
    with pytest.raises(ManifestError, match="already exists"):
        init(options, TARGETS)


SIMPLE = """\
[settings]
targets = ["linux-x86_64"]  # the servers

[pythons]
# Ours.
default = "3.12"  # until spring
pypy311 = "3.13"
alpine = { version = "3.11", targets = ["linux-x86_64-musl"] }
"""


def test_without_other_files_a_new_manifest_has_the_newest_python(options: Options, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert init(options, COMMON_TARGETS).text == new_manifest()
    (tmp_path / "pythons.toml").unlink()
    (tmp_path / ".python-version").write_text("3.12\n")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    adopted = init(options, COMMON_TARGETS, bare=True)
    assert (adopted.text, adopted.read) == (new_manifest(), None)


def test_importing_adds_entries_and_changes_no_existing_ones(options: Options, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "pythons.toml").write_text(SIMPLE)
    (tmp_path / "tox.ini").write_text("[tox]\nenvlist = py{311,312,314}, pypy311\n")
    (tmp_path / "runtime.txt").write_text("python-3.12.5\n")
    before = (tmp_path / "pythons.toml").read_text()
    dry = import_files(options, (), dry_run=True)
    assert (dry.written, (tmp_path / "pythons.toml").read_text()) == (False, before)
    adopted = import_files(options, (tmp_path / "tox.ini", tmp_path / "runtime.txt"))
    assert [entry.name for entry in adopted.entries] == ["py314", "py311"]
    assert adopted.text == (tmp_path / "pythons.toml").read_text() == dry.text
    assert adopted.text == SIMPLE + 'py314 = "3.14"  # tox.ini\npy311 = "3.11"  # tox.ini\n'
    assert adopted.conflicts == (
        "runtime.txt:1 requests python-3.12.5, entry 'default' requests 3.12",
        "tox.ini:2 requests pypy311, entry 'pypy311' requests 3.13",
    )


@pytest.mark.slow  # finding out what there is instead takes a second for each
def test_entries_are_for_the_targets_that_have_builds(options: Options, tmp_path: Path) -> None:
    (tmp_path / ".tool-versions").write_text("python 3.9.1 3.8.5 2.7\n")
    targets = parse_targets(["linux-x86_64", "linux-aarch64", "windows-x86_64"])
    adopted = init(options, targets)
    found = {entry.name: [target.short for target in entry.targets] for entry in adopted.entries}
    assert found == {"default": ["linux-x86_64", "windows-x86_64"], "py38": ["linux-x86_64"]}, (
        "py38 has no build with both"
    )
    line = 'default = { version = "3.9.1", targets = ["linux-x86_64", "windows-x86_64"] }  # .tool-versions'
    assert line in adopted.text.splitlines()
    assert [planned.name for planned, _ in adopted.unavailable] == ["py27"]


def test_files_that_are_missing_or_unknown_are_refused_before_anything_is_written(
    options: Options, tmp_path: Path
) -> None:
    (tmp_path / "pythons.toml").write_text(SIMPLE)
    with pytest.raises(UsageError, match=r"notes.txt: not a file that versions can be imported from"):
        import_files(options, (tmp_path / "notes.txt",))
    with pytest.raises(UsageError, match=r"tox.ini: does not exist"):
        import_files(options, (tmp_path / "tox.ini",))


def test_file_names_cannot_inject_text_into_the_manifest(options: Options, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / 'Dockerfile.\nevil = "3.9"').write_text("FROM python:3.12\nFROM python:2.7\n")
    adopted = init(options, TARGETS)
    assert [request.name for request in parse_manifest(adopted.text, adopted.path).requests] == ["default"]
    assert '\nevil = "3.9"' not in adopted.text


def test_a_link_out_of_the_repository_is_not_read(options: Options, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n")
    project = tmp_path / "project"
    project.mkdir()
    (project / ".python-version").symlink_to(secret)
    adopted = init(replace(options, manifest=project / "pythons.toml"), TARGETS)
    assert adopted.read is not None
    assert "hunter2" not in said(adopted)
    assert "is a symbolic link out of the repository" in said(adopted)
