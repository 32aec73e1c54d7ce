"""The GitHub Action, its steps run under bash by a runner of the tests, with the real command line."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from provision.errors import STALE, USAGE
from provision.model.target import Target
from tests.integrations.projects import ROOT, VERSION, ScriptProject, make_project
from tests.integrations.runner import ACTION, Job, read_outputs
from tests.support.variants import variants


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> ScriptProject:
    return make_project(tmp_path_factory.mktemp("locked"), "default", "other")


@pytest.fixture
def project(locked: ScriptProject, tmp_path: Path) -> ScriptProject:
    """The locked project with a new home and cache, as on a fresh runner."""
    return fresh(locked, tmp_path)


@pytest.fixture(scope="module")
def first(locked: ScriptProject, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A job that installed everything, and kept its archives."""
    folder = tmp_path_factory.mktemp("first")
    done = Job(fresh(locked, folder), folder / "temp", folder / "cache").run()
    assert not done.failed, done.log
    return done


def fresh(project: ScriptProject, folder: Path) -> ScriptProject:
    directory = folder / "checkout"
    directory.mkdir(parents=True)
    (directory / ".git").mkdir()
    for name in ("pythons.toml", "pythons.lock"):
        (directory / name).write_bytes((project.directory / name).read_bytes())
    places = {"PROVISION_HOME": str(folder / "home"), "PROVISION_CACHE_DIR": str(folder / "archives")}
    return ScriptProject(directory, project.environ | places)


def job(project: ScriptProject, folder: Path, *, event: str = "push", ref_type: str = "branch") -> Job:
    return Job(project, folder / "temp", folder.parent / f"{folder.name}-cache", event=event, ref_type=ref_type)


def archives(project: ScriptProject) -> set[str]:
    folder = Path(project.environ["PROVISION_CACHE_DIR"]) / "archives" / "sha256"
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def test_no_text_of_a_workflow_is_run_by_a_shell() -> None:
    for step in ACTION["runs"]["steps"]:
        if "run" in step:
            assert re.fullmatch(r'bash "\$GITHUB_ACTION_PATH/\.github/action/\w+\.sh"', step["run"])


def test_other_actions_are_pinned_to_commits() -> None:
    used = [step["uses"] for step in ACTION["runs"]["steps"] if "uses" in step]
    assert len(used) == 2
    for uses in used:
        assert re.fullmatch(r"actions/cache/(restore|save)@[0-9a-f]{40}", uses)


def test_the_action_installs_all_entries_and_outputs_their_paths(first: Job) -> None:
    pythons = json.loads(first.outputs["pythons"])
    assert set(pythons) == {"default", "other"}
    for path in pythons.values():
        answer = subprocess.run([path], check=True, capture_output=True, text=True).stdout
        assert f"version={VERSION}" in answer
    lock = (first.project.directory / "pythons.lock").read_bytes()
    assert first.outputs["lock-digest"] == hashlib.sha256(lock).hexdigest()
    assert first.outputs["cache-hit"] == "false"
    assert first.file("path") == f"{first.project.directory}/.pythons/bin\n"
    assert f"| `default` | `{VERSION}" in first.file("summary")


def test_only_named_entries_of_a_manifest_elsewhere_are_installed(project: ScriptProject, tmp_path: Path) -> None:
    elsewhere = project.directory / "tools"
    elsewhere.mkdir()
    for name in ("pythons.toml", "pythons.lock"):
        (project.directory / name).rename(elsewhere / name)
    done = job(project, tmp_path).run(manifest="tools/pythons.toml", names="\n  other,\n")
    assert not done.failed, done.log
    assert set(json.loads(done.outputs["pythons"])) == {"other"}
    assert "default" not in done.file("summary")
    assert done.file("path") == f"{elsewhere}/.pythons/bin\n"


def test_no_output_is_set_that_was_not_requested(project: ScriptProject, tmp_path: Path) -> None:
    done = job(project, tmp_path).run(add_to_path="false", summary="false")
    assert not done.failed, done.log
    assert (done.file("path"), done.file("summary")) == ("", "")


def test_an_out_of_date_lock_file_fails_before_anything_is_installed(project: ScriptProject, tmp_path: Path) -> None:
    lock = project.directory / "pythons.lock"
    lock.write_text(lock.read_text().replace('name = "other"', 'name = "another"'))
    done = job(project, tmp_path).run()
    assert done.failed == STALE
    assert list(done.steps) == ["install", "select"]
    assert not Path(project.environ["PROVISION_HOME"]).joinpath("store").exists()


def test_with_check_only_nothing_is_installed(project: ScriptProject, tmp_path: Path) -> None:
    done = job(project, tmp_path).run(check_only="true")
    assert not done.failed, done.log
    assert list(done.steps) == ["install", "select"]
    assert archives(project) == set()
    (project.directory / "pythons.lock").unlink()
    assert job(project, tmp_path).run(check_only="true").failed == STALE


def test_trees_for_other_platforms_can_be_installed(locked: ScriptProject, tmp_path: Path) -> None:
    project = fresh(locked, tmp_path)
    mac = Target.parse("macos-aarch64")
    project.declare({"default": (mac, Target.parse("windows-x86_64"))})
    project.provision("lock")
    done = job(project, tmp_path).run(target="macos-aarch64 windows-x86_64")
    assert not done.failed, done.log
    trees = json.loads(done.outputs["pythons"])["default"]
    assert set(trees) == {"aarch64-apple-darwin", "x86_64-pc-windows-msvc"}
    assert Path(trees[str(mac)], "bin/python3.13").exists()
    assert done.file("path") == ""


@pytest.mark.parametrize(
    "text",
    variants(
        ["$(touch ../pwned)", "`touch ../pwned`", "x; touch ../pwned", "'\"; touch ../pwned #"],
        quick=["$(touch ../pwned)", "'\"; touch ../pwned #"],
    ),
)
@pytest.mark.parametrize("name", ["names", "target", "manifest", "mirror", "cache"])
def test_inputs_are_split_into_words_only(project: ScriptProject, tmp_path: Path, name: str, text: str) -> None:
    done = job(project, tmp_path).run(**{name: text})
    assert done.failed
    assert not (tmp_path / "pwned").exists()
    assert not (project.directory / "pwned").exists()


@pytest.mark.parametrize("text", ["--help", "--target=all"])
def test_names_are_never_options(project: ScriptProject, tmp_path: Path, text: str) -> None:
    done = job(project, tmp_path).run(names=text)
    assert done.failed == USAGE
    assert f"'{text}'" in done.log


def test_an_empty_input_does_not_hide_the_jobs_environment(project: ScriptProject, tmp_path: Path) -> None:
    refused = ScriptProject(project.directory, project.environ | {"PROVISION_MIRROR": "ftp://mirror.example/"})
    done = job(refused, tmp_path).run()
    assert done.failed == USAGE
    assert "mirror.example" in done.log


def test_archives_are_restored_from_the_cache_in_the_next_run(
    first: Job, locked: ScriptProject, tmp_path: Path
) -> None:
    second = fresh(locked, tmp_path)
    done = Job(second, tmp_path / "temp", first.cache).run()
    assert not done.failed, done.log
    assert done.outputs["cache-hit"] == "true"
    assert archives(second) == archives(first.project)
    assert "Keep archives" not in done.steps


def test_a_manipulated_cache_is_detected(first: Job, locked: ScriptProject, tmp_path: Path) -> None:
    cache = Path(shutil.copytree(first.cache, tmp_path / "cache"))
    for poisoned in cache.glob("provision-*/*"):
        content = bytearray(poisoned.read_bytes())
        content[len(content) // 2] ^= 1
        poisoned.write_bytes(content)
    second = fresh(locked, tmp_path)
    done = Job(second, tmp_path / "temp", cache).run()
    assert not done.failed, done.log
    assert done.outputs["cache-hit"] == "true"
    folder = Path(second.environ["PROVISION_CACHE_DIR"]) / "archives" / "sha256"
    assert {hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()} == archives(first.project)


def test_nothing_is_restored_if_all_entries_are_installed(first: Job, tmp_path: Path) -> None:
    """A runner that is kept has its store; the cache is not even read there."""
    done = Job(first.project, tmp_path / "temp", first.cache).run()
    assert not done.failed, done.log
    assert "restore" not in done.steps
    assert set(json.loads(done.outputs["pythons"])) == {"default", "other"}


def test_the_cache_key_depends_on_the_selected_rows(locked: ScriptProject, tmp_path: Path) -> None:
    def key(folder: str, **inputs: str) -> str:
        project = fresh(locked, tmp_path / folder)
        done = Job(project, tmp_path / f"{folder}-temp", tmp_path / "cache", last="select").run(**inputs)
        assert not done.failed, done.log
        return done.steps["select"]["key"]

    both, one, other = key("both"), key("one", names="default"), key("other", names="other")
    assert len({both, one, other}) == 3
    assert key("again", names="default") == one
    libc = "x86_64-unknown-linux-gnu-baseline"
    if sys.platform == "linux" and "x86_64-unknown-linux-gnu" in one:
        assert re.fullmatch(rf"provision-1-Linux-X64-{libc}-[0-9a-f]{{64}}", one)


@pytest.mark.parametrize(
    ("event", "ref_type", "cache", "used"),
    [
        ("push", "branch", "auto", True),
        ("pull_request", "branch", "auto", True),
        ("pull_request", "branch", "", True),
        ("pull_request_target", "branch", "auto", False),
        ("release", "tag", "auto", False),
        ("push", "tag", "auto", False),
        ("pull_request_target", "branch", "always", True),
        ("push", "tag", "always", True),
        ("push", "branch", "never", False),
    ],
)
def test_the_cache_is_used_only_for_trusted_events(
    tmp_path: Path, event: str, ref_type: str, cache: str, used: bool
) -> None:
    """Not if someone untrusted could fill a cache that others trust, and not for releases."""
    install = {
        "action": "install",
        "cached": False,
        "sha256": "00",
        "target": "aarch64-apple-darwin",
        "cpu": "baseline",
    }
    plan = tmp_path / "plan"
    plan.write_text(json.dumps({"lock": "sha256:0", "actions": [install]}))
    environ = {"GITHUB_EVENT_NAME": event, "GITHUB_REF_TYPE": ref_type, "INPUT_CACHE": cache}
    script = ROOT / ".github" / "action" / "select.py"
    command = [sys.executable, str(script), str(plan), "/cache"]
    written = subprocess.run(command, check=True, env=environ, capture_output=True, text=True).stdout
    assert read_outputs(written)["cache"] == str(used).lower()


def test_values_quoted_in_the_summary_stay_in_their_cell(tmp_path: Path) -> None:
    row = {
        "name": "x` | **bold** <img src=x>\n# title",
        "request": "3|4\\",
        "version": None,
        "build": None,
        "build-options": None,
        "target": None,
        "cpu": None,
        "executable": None,
    }
    (tmp_path / "plan").write_text(json.dumps({"lock": "sha256:0", "actions": []}))
    (tmp_path / "list").write_text(json.dumps({"pythons": [row]}))
    environ = {
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "INPUT_SUMMARY": "true",
        "PYTHONPATH": str(ROOT),
    }
    script = ROOT / ".github" / "action" / "report.py"
    subprocess.run([sys.executable, script, tmp_path / "plan", tmp_path / "list"], check=True, env=environ)
    (line,) = (line for line in (tmp_path / "summary").read_text().splitlines() if "bold" in line)
    assert line == "| `x  **bold** img src=x# title` | `34` |  |  |  |  |"


def test_install_refuses_a_bare_version_number(project: ScriptProject, tmp_path: Path) -> None:
    """The public index has another project with that name."""
    done = job(project, tmp_path)
    done.install = True
    done.run(version="0.9.2")
    assert done.failed
    assert "neither empty, nor a path, nor the https URL of a wheel" in done.log


@pytest.mark.slow
def test_the_action_installs_a_real_interpreter(project: ScriptProject, tmp_path: Path) -> None:
    """Builds and installs the source with pip, which downloads its dependencies from the package index."""
    environ = {name: value for name, value in project.environ.items() if name != "PYTHONPATH"}
    bare = ScriptProject(project.directory, environ)
    done = job(bare, tmp_path)
    done.install = True
    done.run()
    assert not done.failed, done.log
    assert set(json.loads(done.outputs["pythons"])) == {"default", "other"}
    on_path, pythons = done.file("path").splitlines()
    assert pythons.endswith(".pythons/bin")
    version = subprocess.run([f"{on_path}/provision", "--version"], check=True, capture_output=True, text=True).stdout
    assert version.startswith("provision ")
    assert {path.name for path in Path(on_path).iterdir()} == {"provision"}
