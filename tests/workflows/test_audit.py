"""`audit`: the files and the policy it takes, formats, exit codes, and the checksums it downloads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from provision.errors import NetworkError
from provision.protocols import Response
from provision.workflows.audit import fetch_checksums
from tests.review.attacks import DAY, honest, make_attacked
from tests.support.builds import Build, write_catalog
from tests.support.project import Project
from tests.support.server import Server
from tests.support.variants import variants


@pytest.fixture
def project(tmp_path: Path) -> Project:
    make_attacked(tmp_path / "project", "swapped hash")
    return Project(tmp_path / "project")


def test_errors_exit_with_5_and_no_findings_with_0(project: Project) -> None:
    ended = project.run("audit", "--as-of", DAY, expect=5)
    assert ended.out.startswith("pythons.lock:23: error PV001 default, linux-x86_64: ")
    project.lock.write_text(honest())
    ended = project.run("audit", "--as-of", DAY)
    assert ended.out == ""
    assert "nothing found in 2 entries, 4 rows" in ended.err


def test_with_strict_warnings_fail(project: Project) -> None:
    project.write('[settings]\ntargets = ["linux-x86_64"]\n[pythons]\nold = "3.9"\n')
    project.run("lock")
    assert "PV012" in project.run("audit").out
    project.run("audit", "--strict", expect=5)


def test_a_policy_of_the_command_line_replaces_that_of_the_manifest(project: Project, tmp_path: Path) -> None:
    """A pull request cannot loosen its own policy."""
    with project.manifest.open("a") as file:
        file.write('\n[policy]\nignore = [{ code = "PV001", reason = "trust me" }]\n')
    ended = project.run("audit", "--as-of", DAY)
    assert "ignored PV001 default, linux-x86_64: trust me" in ended.out
    policy = tmp_path / "policy.toml"
    policy.write_text('[policy]\ncooldown = "1 day"\n')
    assert "PV001" in project.run("audit", "--as-of", DAY, "--policy", policy, expect=5).out


def test_the_default_policy_can_be_chosen(project: Project, tmp_path: Path) -> None:
    """Also by naming a manifest that has no policy, as that of a base branch may be."""
    base = tmp_path / "base.toml"
    base.write_text(project.manifest.read_text())
    with project.manifest.open("a") as file:
        file.write('\n[policy]\nignore = [{ code = "PV001", reason = "trust me" }]\n')
    for words in (["--no-project-policy"], ["--policy", base]):
        document = project.run("audit", "--as-of", DAY, "--json", *words, expect=5).document()
        assert (document["summary"]["errors"], document["summary"]["ignored"]) == (1, 0)
    assert "cannot be combined" in project.run("audit", "--no-project-policy", "--policy", base, expect=2).err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no [policy] table"),
        ('[policy]\ncooldwon = "1 day"\n', "Did you mean 'cooldown'?"),
        ("[policy", ":1:"),
    ],
)
def test_an_invalid_policy_is_refused(project: Project, tmp_path: Path, text: str, words: str) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(text)
    assert words in project.run("audit", "--policy", policy, expect=2).err


def test_the_manifest_of_a_lock_file_is_next_to_it(project: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path / "head"
    elsewhere.mkdir()
    lock = elsewhere / "pythons.lock"
    lock.write_text(project.lock.read_text())
    assert "no pythons.toml next to the lock file" in project.run("audit", lock, expect=5).err
    (elsewhere / "pythons.toml").write_text('[pythons]\nother = "3.13"\n')
    assert "PV011" in project.run("audit", lock, expect=5).out
    named = project.run("audit", "--manifest", project.manifest, lock, expect=5)
    assert "PV011" not in named.out


def test_each_format_is_written(project: Project) -> None:
    document = project.run("audit", "--json", expect=5).document()
    assert document["summary"]["errors"] == 1
    assert document["findings"][0]["line"] == 23
    command = project.run("audit", "--format", "github", expect=5).out.splitlines()[0]
    assert command.startswith("::error file=pythons.lock,line=23,title=PV001 wrong-hash::default, linux-x86_64: ")
    sarif = json.loads(project.run("audit", "--format", "sarif", expect=5).out)
    (run,) = sarif["runs"]
    result = run["results"][0]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "PV001"
    assert result["level"] == "error"
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 23}


def test_invalid_options_and_locks_are_refused(project: Project) -> None:
    project.run("audit", "--format", "pdf", expect=2)
    project.run("audit", "--as-of", "yesterday", expect=2)
    assert "Pass the path of a lock file" in project.run("audit", "nowhere.lock", expect=4).err
    project.lock.write_text("nonsense")
    project.run("audit", expect=4)


def test_custom_archives_are_checked_with_their_catalog(
    tmp_path: Path, server: Server, builds: tuple[Build, ...]
) -> None:
    project = Project(tmp_path / "project")
    write_catalog(server.root, [builds[0]])
    project.write(f'[settings]\ncatalogs = ["{server.url}/catalog.ndjson"]\n\n[pythons]\none = {builds[0].entry}\n')
    project.run("lock")
    ended = project.run("audit")
    assert "PV022" in ended.out  # a loopback server exists on one machine only
    ended = project.run("audit", "--cache-dir", tmp_path / "empty", expect=5)
    assert "PV023" in ended.out
    assert "pythons.toml:2:" in ended.out


TAG = "20261021"
URL = f"https://github.com/astral-sh/python-build-standalone/releases/download/{TAG}/SHA256SUMS"


def answering(status: int, body: str = "") -> dict[str, str] | None:
    def get(url: str, headers: Mapping[str, str], /) -> Response:
        assert url == URL
        return Response(status=status, body=body.encode())

    return fetch_checksums(TAG, get)


def test_sha256sums_are_read() -> None:
    body = f"{'A' * 64}  cpython-3.13.5+x.tar.gz\n{'b' * 64} *other%2Bname\n\nnonsense\n"
    assert answering(200, body) == {"cpython-3.13.5+x.tar.gz": "a" * 64, "other+name": "b" * 64}
    assert answering(404) is None
    with pytest.raises(NetworkError):
        answering(503)


def test_checksums_are_not_downloaded_offline(project: Project) -> None:
    project.run("audit", "--upstream", "--offline", expect=6)


_OTHER_REPOSITORY = "releases/download/20261030/{up}/{up}/{up}/{up}/{up}/evil/repo/releases/download/x/"


@pytest.mark.parametrize("up", variants(["..", "%2e%2e", ".%2E", "%252e."], quick=["..", ".%2E"]))
def test_a_url_out_of_its_release_is_refused_by_every_command(tmp_path: Path, up: str) -> None:
    """With a tag that no catalog knows yet, only the path told where the archive really is."""
    make_attacked(tmp_path / "project", "swapped hash")
    project = Project(tmp_path / "project")
    project.lock.write_text(honest())
    url = next(line for line in honest().splitlines() if line.startswith("url = "))
    head, _, name = url.partition("releases/download/")
    tag = name.partition("/")[0]
    moved = f"{head}{_OTHER_REPOSITORY.format(up=up)}{name.partition('/')[2]}".replace(tag, "20261030")
    project.lock.write_text(honest().replace(url, moved))
    for words in (["audit"], ["lock", "--check"], ["plan"], ["diff"]):
        ended = project.run(*words, expect=4)
        assert "expected no `.` or `..` as a segment of the path, encoded or not" in ended.err
