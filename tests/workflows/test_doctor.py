"""`doctor`: each line states a fact, and a problem what to do; nothing secret is shown."""

from __future__ import annotations

import re
import socket
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provision.protocols import NoProgress
from provision.workflows.doctor import doctor
from provision.workflows.doctor_places import Check
from provision.workflows.lock import lock
from provision.workflows.options import Options
from tests.support.builds import write_catalog
from tests.support.faults import Status
from tests.support.killer import ROOT
from tests.support.project import Project
from tests.support.registry import FakeRegistry, Quirks
from tests.support.server import Server
from tests.support.small import small_build


def environment(folder: Path, **more: str) -> dict[str, str]:
    """An environment with all directories below a folder, and no network."""
    ours = {"HOME": str(folder), "PATH": "/usr/bin", "PROVISION_OFFLINE": "1", "PROVISION_MANIFEST": ""}
    places = {f"PROVISION_{name}": str(folder / name.lower()) for name in ("HOME", "CACHE_DIR", "CONFIG_DIR")}
    return {name: value for name, value in {**ours, **places, **more}.items() if value}


def checks(folder: Path, /, **more: str) -> list[Check]:
    return list(doctor(Options.of(environment(folder, **more)), NoProgress()))


def of(found: list[Check], subject: str, text: str = "") -> list[tuple[str, str]]:
    return [(each.state, each.hint) for each in found if each.subject == subject and text in each.text]


def closed_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository without a project, which is the working directory."""
    folder = tmp_path / "empty"
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def test_a_project_is_checked_before_and_after_a_sync(tmp_path: Path, server: Server) -> None:
    build = small_build(tmp_path / "builds")
    catalog = write_catalog(tmp_path, [build])
    project = Project(tmp_path / "project")
    project.write(f'[settings]\ncatalogs = ["{catalog}"]\n\n[pythons]\ndefault = {build.entry}\n')
    project.run("lock", PROVISION_MIRROR=tmp_path.as_uri())
    before = project.run("doctor", "--offline", PROVISION_CONFIG_DIR=str(tmp_path / "config"), PATH="/usr/bin").out
    assert re.search(r"note +interpreters +not installed yet", before)
    project.run("sync", PROVISION_MIRROR=tmp_path.as_uri())
    bin_directory = project.directory / ".pythons" / "bin"
    config, path = str(tmp_path / "config"), f"{bin_directory}:/usr/bin"
    ended = project.run(
        "doctor",
        "--json",
        PROVISION_MIRROR=server.url,
        PROVISION_CONFIG_DIR=config,
        PATH=path,
        GITHUB_TOKEN="secret",
        https_proxy="http://user:secret@localhost:1",
        no_proxy="127.0.0.1",
    )
    assert "secret" not in ended.out + ended.err
    document = ended.document()
    texts = {(each["subject"], each["state"]): each["text"] for each in document["checks"]}
    assert document["problems"] == 0
    assert texts["interpreters", "ok"].endswith(str(bin_directory))
    assert "answers (HTTP" in texts["network", "ok"]
    assert texts["clock", "ok"].endswith("the same as on the servers")
    assert [seen.headers["range"] for seen in server.requests] == ["bytes=0-0"]

    project.lock.unlink()
    ended = project.run("doctor", "--offline", expect=1, PROVISION_CONFIG_DIR=config, PATH=path, CI="true")
    assert "problem  lock file" in ended.out
    assert "Run `provision lock`" in ended.out
    assert "note     network" in ended.out
    assert ended.err.startswith("1 problem, ")


def test_every_dependency_is_listed(empty: Path) -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    here = {re.split("[>=<]", each)[0] for each in declared if ";" not in each}
    assert here <= {each.text.partition(" ")[0] for each in checks(empty) if each.subject == "dependency"}


def test_the_program_of_a_command_and_those_after_it_on_path_are_listed(empty: Path) -> None:
    folders = ["mine/.pyenv/shims", "mise/shims", ".asdf/shims", "other/.pythons/bin", "venv/bin", "unknown"]
    for folder in folders:
        (empty / folder).mkdir(parents=True)
        (empty / folder / "python").write_text("#!/bin/sh\n")
        (empty / folder / "python").chmod(0o755)
    (empty / "venv" / "pyvenv.cfg").write_text("")
    (empty / "unknown" / "python3").write_text("not executable")
    found = checks(empty, PATH=":".join(str(empty / folder) for folder in folders))
    (text,) = [each.text for each in found if each.subject == "python"]
    assert [part.partition(")")[0] for part in text.split("(")[1:]] == [
        "a shim of pyenv", "a shim of mise", "a shim of asdf", "another project", "a virtual environment", "unknown",
    ]  # fmt: skip
    assert text.startswith(f"{empty}/mine/.pyenv/shims/python (a shim of pyenv); shadows ")
    assert of(found, "python3") == [("note", "")]


def test_commands_of_the_project_behind_others_on_path_are_noted(empty: Path) -> None:
    (empty / "pythons.toml").write_text("[pythons]\n")
    for folder in ("first", ".pythons/bin"):
        (empty / folder).mkdir(parents=True)
        (empty / folder / "python").write_text("#!/bin/sh\n")
        (empty / folder / "python").chmod(0o755)
    found = checks(empty, PATH=f"{empty}/first:{empty}/.pythons/bin")
    assert [state for state, hint in of(found, "python") if "move" in hint] == ["note"]
    assert of(found, "trust", "is not trusted")[0][0] == "note"
    assert of(checks(empty, PATH=f"{empty}/first"), "PATH", "is not on PATH")[0][0] == "note"


@pytest.mark.parametrize(
    ("subject", "variables", "text"),
    [
        ("variable", {"PYTHONHOME": "/usr"}, "PYTHONHOME=/usr"),
        ("environment", {"VIRTUAL_ENV": "/nowhere"}, "not a virtual environment"),
        ("authorities", {"SSL_CERT_FILE": "/nowhere"}, "cannot use the certificates in /nowhere"),
        ("authorities", {"SSL_CERT_DIR": "/nowhere"}, "cannot use the certificates in /nowhere"),
        ("proxy", {"https_proxy": "gopher://user:secret@localhost"}, "https_proxy=gopher://…@localhost"),
        ("store", {"PROVISION_HOME": "/dev/null/store"}, "/dev/null is not a directory"),
        ("cache", {"PROVISION_CACHE_DIR": "/dev/null"}, "/dev/null is not a directory"),
        ("network", {"PROVISION_OFFLINE": "", "PROVISION_MIRROR": "file:///nowhere"}, "no such directory"),
    ],
)
def test_a_problem_has_a_hint(empty: Path, subject: str, variables: dict[str, str], text: str) -> None:
    found = checks(empty, **variables)
    ((state, hint),) = of(found, subject, text)
    assert (state, bool(hint)) == ("problem", True)
    assert [each.subject for each in found if each.state == "problem"] == [subject]
    assert not any("secret" in each.text + each.hint for each in found)


def test_misspelled_variables_and_hooks_in_start_up_files_are_listed(empty: Path) -> None:
    (empty / ".zshrc").write_text('eval "$(provision hook zsh)"\n')
    found = checks(empty, PROVISION_OFLINE="1")
    assert of(found, "variable", "PROVISION_OFLINE") == [("note", "Did you mean PROVISION_OFFLINE?")]
    assert of(found, "hook", "~/.zshrc") == [("ok", "")]
    assert of(checks(empty, __PROVISION_ACTIVE="/p/.pythons/bin"), "hook", "/p/.pythons/bin") == [("ok", "")]


def test_servers_that_refuse_or_do_not_respond_are_reported(empty: Path, server: Server) -> None:
    server.fault("/refused/", Status(code=403))
    places = f"{server.at('refused')} http://127.0.0.1:{closed_port()}"
    found = checks(empty, PROVISION_OFFLINE="", PROVISION_MIRROR=places)
    assert [state for state, _ in of(found, "network")] == ["problem", "problem"]
    assert of(found, "network", "HTTP 403")
    assert all(hint for _, hint in of(found, "network"))


@pytest.mark.parametrize(
    ("quirks", "login", "state"),
    [
        (Quirks(token=True), "", "ok"),
        (Quirks(login=("me", "secret")), "me:secret@", "ok"),
        (Quirks(login=("me", "secret")), "", "problem"),
        (Quirks(login=("me", "secret"), token=True), "", "problem"),
    ],
    ids=str,
)
def test_a_registry_is_checked_with_its_login(empty: Path, quirks: Quirks, login: str, state: str) -> None:
    with FakeRegistry(quirks) as registry:
        mirror = f"oci://{login}{registry.host}/team/pythons"
        found = checks(empty, PROVISION_OFFLINE="", PROVISION_MIRROR=mirror)
        assert [each for each, _ in of(found, "network", registry.host)] == [state]
        assert registry.asked
        assert not of(found, "network", "secret")


@pytest.mark.parametrize(
    ("away", "state"),
    [
        (timedelta(), "ok"),
        (timedelta(hours=1), "note"),
        (timedelta(days=3), "problem"),
        (-timedelta(days=9999), "problem"),
    ],
)
def test_a_wrong_clock_is_reported(empty: Path, server: Server, away: timedelta, state: str) -> None:
    now = datetime.now(UTC) + away
    options = Options.of(environment(empty, PROVISION_OFFLINE="", PROVISION_MIRROR=server.url))
    found = list(doctor(options, NoProgress(), now=now))
    assert [each for each, _ in of(found, "clock")] == [state]


MANIFEST = '[settings]\ntargets = ["linux-x86_64"]\n[pythons]\none = "3.13.5"\n'
# The manifest that is locked, the one that is there then, another lock file, and the lines on the project: on a machine
# of one's own, and in CI.
STATES: dict[str, tuple[str, str, str, list[str], list[str]]] = {
    "no manifest": ("", "", "", ["note project"], ["note project"]),
    "an invalid manifest": ("", "[", "", ["problem project"], ["problem project"]),
    "no lock file yet": ("", MANIFEST, "", ["ok project", "note lock file"], ["ok project", "problem lock file"]),
    "a lock file that is out of date": (
        MANIFEST,
        MANIFEST.replace("one", "two"),
        "",
        ["ok project", "note lock file", "note interpreters"],
        ["ok project", "problem lock file", "note interpreters"],
    ),
    "an invalid lock file": (
        "",
        MANIFEST,
        "lock-version = 7\n",
        ["ok project", "problem lock file"],
        ["ok project", "problem lock file"],
    ),
    "not installed yet": (
        MANIFEST,
        MANIFEST,
        "",
        ["ok project", "ok lock file", "note interpreters"],
        ["ok project", "ok lock file", "note interpreters"],
    ),
}


@pytest.mark.parametrize("name", STATES)
def test_each_state_of_a_project_has_its_lines_and_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    locked, manifest, lock_text, here, in_ci = STATES[name]
    project = Project(tmp_path / "project")
    if locked:
        project.write(locked)
        lock(Options.of(project.environ(), manifest=project.manifest, offline=True))
    if manifest:
        project.write(manifest)
    if lock_text:
        project.lock.write_text(lock_text)
    monkeypatch.chdir(project.directory)
    for environ, expected in (({}, here), ({"CI": "true"}, in_ci)):
        checks = doctor(Options.of(project.environ(environ), offline=True))
        seen = [each for each in checks if each.subject in ("project", "lock file", "interpreters")]
        assert [f"{each.state} {each.subject}" for each in seen] == expected
        assert all(each.hint for each in seen if each.state != "ok")


def test_a_named_manifest_that_is_not_a_file_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "folder" / "pythons.toml").mkdir(parents=True)
    for name, hint in (("none.toml", "correct or unset that variable"), ("folder", "Correct ")):
        environ = {**Project(tmp_path).environ(), "PROVISION_MANIFEST": str(tmp_path / name)}
        (check,) = [each for each in doctor(Options.of(environ, offline=True)) if each.subject == "project"]
        assert check.state == "problem"
        assert hint in check.hint
