"""The README's session, run as it stands: every command, and what it prints on stdout."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tests.support.project import Project

ROOT = Path(__file__).resolve().parent.parent


def session() -> list[tuple[str, str]]:
    """The commands of the marked block, each with the lines printed below it."""
    text = (ROOT / "README.md").read_text()
    match = re.search(r"<!-- session -->\n```console\n(.*?)```", text, re.DOTALL)
    assert match is not None
    parts = re.split(r"^\$ (.*)\n", match[1], flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


def test_the_session_prints_what_the_readme_shows(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    for command, printed in session():
        program, *words = shlex.split(command)
        assert program == "provision"
        assert project.run(*words, PROVISION_OFFLINE="1").out == printed, command


def test_the_committed_example_is_locked_to_the_committed_bytes(tmp_path: Path) -> None:
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
