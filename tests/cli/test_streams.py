"""Output in encodings that lack characters, to closed streams and to full disks."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.builds import Build, write_catalog
from tests.support.project import COMMAND, Project
from tests.support.small import small_build
from tests.support.variants import variants

ENCODINGS = variants(["ascii", "cp1252", "cp437", "latin-1", "utf-8"], quick=["ascii", "cp1252"])


@pytest.fixture(scope="module")
def builds_of_two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Build, Build]:
    folder = tmp_path_factory.mktemp("served")
    return small_build(folder, 1), small_build(folder, 2)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, builds_of_two: tuple[Build, Build]) -> Project:
    """A project whose path is not ASCII; its interpreter is installed and was just upgraded."""
    old, new = builds_of_two
    folder = tmp_path_factory.mktemp("streams")
    project = Project(folder / "ünïcödé Ж", home=folder / "store \udcff")
    catalog = write_catalog(old.archive.parent, [old, new])
    head = f'[settings]\ncatalogs = ["{catalog}"]\n\n[pythons]\none = '
    project.write(head + old.entry + "\n")
    project.run("lock")
    (folder / "old.lock").write_bytes(project.lock.read_bytes())
    project.write(head + new.entry + "\n")
    project.run("sync")
    return project


def printed(project: Project, words: str, encoding: str) -> bytes:
    done = subprocess.run(
        [*COMMAND, *words.split()],
        cwd=project.directory,
        env=project.environ({"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr if words.startswith("diff --format text") else done.stdout


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_text_for_people_is_replaced_by_what_the_encoding_allows(project: Project, encoding: str) -> None:
    arrow, dots = ("→", "…") if encoding == "utf-8" else ("->", "...")
    (project.directory / ".pythons" / "one").unlink()
    assert f"{arrow} .pythons/one" in printed(project, "plan", encoding).decode(encoding)
    assert f"{arrow} .pythons/one" in printed(project, "sync", encoding).decode(encoding)
    assert f"old.lock {arrow} " in printed(project, "diff --format text ../old.lock", encoding).decode(encoding)
    assert f"pypy3.11, {dots if encoding != 'cp1252' else '…'}" in printed(project, "add --help", encoding).decode(
        encoding
    )


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_documents_are_utf_8_in_every_encoding(project: Project, encoding: str) -> None:
    for words in (
        "diff --format markdown ../old.lock pythons.lock",
        "diff --format html ../old.lock pythons.lock",
        "diff --format github ../old.lock pythons.lock",
        "audit --format sarif",
        "schema manifest",
    ):
        content = printed(project, words, encoding)
        assert content == printed(project, words, "utf-8")
        assert content.decode().isascii() is not words.startswith("diff")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_annotations_of_errors_are_utf_8(project: Project, tmp_path: Path, encoding: str) -> None:
    (tmp_path / "Жü.toml").write_text("[pythons]\none = 3.14\n")
    done = subprocess.run(
        [*COMMAND, "lock", "--manifest", "Жü.toml"],
        cwd=tmp_path,
        env=project.environ({"PYTHONIOENCODING": encoding, "GITHUB_ACTIONS": "true"}),
        capture_output=True,
        check=False,
    )
    (annotation,) = (line for line in done.stderr.splitlines() if line.startswith(b"::error"))
    assert "Жü.toml,line=2," in annotation.decode()


@pytest.mark.skipif(os.name != "posix", reason="on Windows programs expect paths in the console's encoding")
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_paths_are_those_of_the_file_system(project: Project, encoding: str) -> None:
    for words in ("which one", "which one -q"):  # the fast answer, and Typer's
        path = printed(project, words, encoding).removesuffix(b"\n")
        assert Path(os.fsdecode(path)).exists()
    assert os.fsencode(project.directory) in printed(project, "env --shell github", encoding)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", ["list", "which one", "--version", "diff --format html ../old.lock pythons.lock"])
def test_an_output_that_cannot_be_written_is_one_error(project: Project, words: str, unbuffered: str) -> None:
    environ = project.environ({"PYTHONUNBUFFERED": unbuffered})
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, *words.split()],
            cwd=project.directory,
            env=environ,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
        silent = subprocess.run(
            [*COMMAND, *words.split()],
            cwd=project.directory,
            env=environ,
            stdout=full,
            stderr=full,
            check=False,
        )
    assert done.stderr.startswith(b"error: cannot write to stdout: the disk is full\n"), done.stderr
    assert (done.returncode, silent.returncode) == (1, 1)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGPIPE")
@pytest.mark.parametrize(
    "words",
    variants(
        ["list", "roots", "explain one", "catalog list", "diff ../old.lock", "schema lock", "--help", "env"],
        quick=["list", "explain one", "catalog list", "diff ../old.lock"],
    ),
)
def test_a_closed_pipe_gives_one_exit_code_and_no_message(project: Project, words: str) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    command = [*COMMAND, *words.split()]
    done = subprocess.run(
        command, cwd=project.directory, env=project.environ(), stdout=theirs, stderr=subprocess.PIPE, check=False
    )
    os.close(theirs)
    assert (done.returncode, b"error" in done.stderr, b"Traceback" in done.stderr) == (141, False, False)


@pytest.mark.skipif(os.name != "posix", reason="shells close descriptors so")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    "words", variants(["sync", "list", "which one", "--version", "catalog list"], quick=["sync", "list"])
)
def test_closed_streams_are_replaced_by_the_null_device(project: Project, words: str, closed: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f'"$@" {closed}', "sh", *COMMAND, *words.split()],
        cwd=project.directory,
        env=project.environ(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
