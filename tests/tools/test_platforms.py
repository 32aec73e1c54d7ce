"""The table of platforms: it claims only what ran."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from provision.model.target import Target
from tests.conftest import Golden
from tests.integrations.projects import ROOT
from tests.support.servers.programs import ServerUnavailableError
from tools.platforms.installs import PYTHONS, Installs, dependencies
from tools.platforms.page import PAGE, platforms_page
from tools.platforms.results import RESULTS, Results, Run, count, merge, record
from tools.platforms.suite import Unavailable, is_prepared

LINUX, WINDOWS = Target.parse("linux-x86_64"), Target.parse("windows-x86_64")
EMPTY = 'written-for = ["windows-x86_64"]\n'


def a_run(**changed: object) -> Run:
    values = {"target": WINDOWS, "command": "make test-wine", "python": "3.13.5", "scope": "part", "passed": 2}
    more = {"skipped": 1, "day": date(2026, 11, 28), "machine": "wine 8", "left_out": ("x: no junctions",)}
    return Run(**{**values, **more, **changed})  # type: ignore[arg-type]


def load(text: str, tmp_path: Path) -> Results:
    path = tmp_path / "platforms.toml"
    path.write_text(text)
    return Results.load(path)


def test_the_committed_page_is_up_to_date(golden: Golden) -> None:
    golden(PAGE, platforms_page(Results.load(), Installs.load()))


def test_the_classifiers_name_the_tested_systems() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    claimed = [name for name in project["classifiers"] if name.startswith("Operating System")]
    assert claimed == Results.load().classifiers()


@pytest.mark.parametrize(
    ("runs", "state"),
    [((), "written for"), (("part",), "tested in part"), (("part", "whole"), "tested")],
)
def test_the_state_follows_from_the_runs(tmp_path: Path, runs: tuple[str, ...], state: str) -> None:
    text = EMPTY
    for number, scope in enumerate(runs):
        text = record(text, a_run(scope=scope, command=f"make test-{number}"))
    results = load(text, tmp_path)
    assert results.state(WINDOWS) == state
    assert results.state(LINUX) == "unknown"
    assert results.classifiers() == (["Operating System :: Microsoft :: Windows"] if state == "tested" else [])
    assert f"| `windows-x86_64` | {state} |" in platforms_page(results, Installs.load())


def test_a_later_run_replaces_an_earlier_one(tmp_path: Path) -> None:
    text = record(record(EMPTY, a_run(python="3.13.4", passed=1)), a_run(passed=3))
    text = record(text, a_run(target=LINUX, passed=4, remark="All of it."))
    results = load(text, tmp_path)
    assert [(run.target, run.passed) for run in results.runs] == [(WINDOWS, 3), (LINUX, 4)]
    assert record(text, results.runs[0]) == text
    page = platforms_page(results, Installs.load())
    assert "- x: no junctions\n" in page
    assert "All of it.\n" in page


def test_a_file_with_an_earlier_run_does_not_replace_a_later_one(tmp_path: Path) -> None:
    earlier, later = a_run(passed=1), a_run(passed=3, day=date(2026, 11, 29))
    for runs in ((later, earlier), (earlier, later)):
        assert [run.passed for run in load(merge(EMPTY, runs), tmp_path).runs] == [3]
    assert merge(record(EMPTY, later), [earlier]) == record(EMPTY, later)


def test_only_runs_that_pass_are_recorded(tmp_path: Path) -> None:
    for name, code in (("good", "def test_a(): pass\ndef test_b(): pytest.skip()"), ("bad", "def test_a(): assert 0")):
        (tmp_path / f"test_{name}.py").write_text(f"import pytest\n{code}\n")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={name}.xml"]
        subprocess.run([*command, f"test_{name}.py"], cwd=tmp_path, check=False, capture_output=True)
    assert count([tmp_path / "good.xml", tmp_path / "good.xml"]) == (2, 2)
    with pytest.raises(ValueError, match="1 tests passed and 1 failed"):
        count([tmp_path / "good.xml", tmp_path / "bad.xml"])
    before = RESULTS.read_bytes()
    (tmp_path / "half.xml").write_text("<testsuites>")
    (tmp_path / "odd.toml").write_text("[[run]]\n")
    merging, recording = ["merge"], ["record", "--command", "x", "--scope", "part"]
    for words, name in (
        *((recording, f"{name}.xml") for name in ("bad", "half", "missing")),
        *((merging, f"{name}.toml") for name in ("odd", "missing")),
    ):
        command = [sys.executable, "-m", "tools.platforms", *words]
        done = subprocess.run([*command, str(tmp_path / name)], cwd=ROOT, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr.startswith("error: "), done.stderr.count("\n")) == (1, True, 1)
    assert RESULTS.read_bytes() == before


def test_a_system_that_cannot_run_a_platform_is_not_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    def raises(error: BaseException) -> Callable[[], None]:
        def prepare() -> None:
            raise error

        return prepare

    assert is_prepared("test-x", lambda: None)
    assert capsys.readouterr().out == ""
    assert not is_prepared("test-x", raises(Unavailable("no apt")))
    assert capsys.readouterr().out == "make test-x: skipped: no apt\n"
    for error in (SystemExit("error: apt failed"), ServerUnavailableError("no network")):
        with pytest.raises(type(error)):
            is_prepared("test-x", raises(error))


def test_each_run_in_the_file_is_of_a_target_that_the_code_is_written_for() -> None:
    results = Results.load(RESULTS)
    assert {run.target for run in results.runs} <= results.written_for


def test_dependencies_follow_the_markers_of_a_platform() -> None:
    arm = Target.parse("linux-armv7")
    assert "backports-zstd" in dependencies(LINUX, "3.13")
    assert "backports-zstd" not in dependencies(LINUX, "3.14t") | dependencies(arm, "3.13")
    assert {"filelock", "platformdirs"} <= dependencies(WINDOWS, "3.12")
    assert "isal" in dependencies(WINDOWS, "3.12") & dependencies(Target.parse("macos-aarch64"), "3.12")
    assert "isal" not in dependencies(Target.parse("windows-aarch64"), "3.12") | dependencies(arm, "3.13")
    assert dependencies(LINUX, "pypy3.11") == dependencies(LINUX, "3.11")


def test_the_file_of_wheels_is_written_as_it_is_read(tmp_path: Path) -> None:
    installs = Installs.load()
    path = tmp_path / "installs.toml"
    path.write_text(installs.text())
    assert Installs.load(path) == installs
    assert all(tuple(row) == PYTHONS for row in installs.missing.values())
    assert not installs.missing[LINUX]["3.13"]


def test_every_platform_of_the_table_is_one_that_the_code_is_written_for() -> None:
    assert set(Installs.load().missing) == Results.load().written_for
