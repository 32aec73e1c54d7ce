"""The watcher sees what it should: otherwise, tests that see nothing would prove nothing."""

from __future__ import annotations

from pathlib import Path

from tests.support.project import Project
from tests.support.server import Server
from tests.trust.watching import look


def test_written_files_are_observed(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    project.write('[pythons]\none = "3.13.5"\n')
    seen = look(project, ["lock", "--offline"])
    assert seen.code == 0, seen.err
    assert str(project.lock) in " ".join(seen.of("write")) or any("pythons.lock" in path for path in seen.of("write"))
    assert seen.of("network") == seen.of("process") == ()


def test_contacted_servers_are_observed(tmp_path: Path, server: Server) -> None:
    project = Project(tmp_path / "project")
    server.put("catalog.ndjson", b"")
    project.write(f'[settings]\ncatalogs = ["{server.url}/catalog.ndjson"]\n[pythons]\none = "3.13.5"\n')
    seen = look(project, ["lock"])
    assert any(str(server.port) in what for what in seen.of("network"))
    assert server.count("catalog.ndjson") == 1


def test_started_processes_are_observed(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    project.write('[pythons]\none = "3.13.5"\n')
    seen = look(project, ["diff", "HEAD"])
    assert any("cat-file" in what for what in seen.of("process"))
