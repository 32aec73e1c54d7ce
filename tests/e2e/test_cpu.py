"""x86-64 levels: locked as requested, selected for the machine, refused before any download."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from provision.host.cpu import cpu_level
from provision.host.detect import detect_host
from provision.model.asset import CPU_LEVELS, CpuLevel
from tests.e2e.conftest import Offer
from tests.support import trees
from tests.support.project import Project
from tests.support.variants import variants

AUTO = 'fast = { version = "3.13.5", build = "20261101", cpu = "auto" }'
HIGHEST = cpu_level(environ={})

pytestmark = [
    pytest.mark.skipif(str(detect_host().target) != "x86_64-unknown-linux-gnu", reason="levels are x86-64 Linux's"),
    pytest.mark.skipif(HIGHEST == "baseline", reason="this machine has the lowest level only"),
]


@pytest.fixture
def auto(offer: Offer, tmp_path: Path) -> Project:
    """An entry that is locked at every level."""
    project = offer([trees.running(tmp_path / "builds", cpu=cpu) for cpu in CPU_LEVELS], AUTO)
    project.run("lock")
    return project


def explicit(offer: Offer, folder: Path, cpu: CpuLevel) -> Project:
    project = offer([trees.running(folder, cpu=cpu)], f'fast = {{ version = "3.13.5", cpu = "{cpu}" }}')
    project.run("lock")
    return project


def level_of(project: Project, ceiling: str = "") -> str:
    """The level that the installed interpreter was built for, according to its library."""
    tree = Path(project.run("which", "fast", "--store", PROVISION_CPU=ceiling).out.strip()).parent.parent
    return (tree / "lib/python3.13/os.py").read_text().split()[-1]


def test_auto_locks_every_level_that_exists(auto: Project) -> None:
    text = auto.lock.read_text()
    assert [line for line in text.splitlines() if line.startswith("cpu =")] == [f'cpu = "{cpu}"' for cpu in CPU_LEVELS]


@pytest.mark.parametrize("ceiling", variants(CPU_LEVELS, quick=("baseline", "v3")))
def test_auto_installs_the_highest_level_that_the_machine_has(auto: Project, offer: Offer, ceiling: CpuLevel) -> None:
    expected = min(ceiling, HIGHEST, key=CPU_LEVELS.index)
    auto.run("sync", PROVISION_CPU=ceiling)
    assert level_of(auto, ceiling) == expected
    assert len(offer.archives()) == 1


def test_an_explicit_level_above_that_of_the_machine_is_refused_before_any_download(
    offer: Offer, tmp_path: Path
) -> None:
    project = explicit(offer, tmp_path / "builds", "v2")
    for command in (("sync",), ("plan",), ("sync", "--frozen")):
        said = project.run(*command, expect=5, PROVISION_CPU="baseline").err
        assert "entry 'fast' requires CPU level v2; this machine has baseline" in said
        assert 'cpu = "auto"' in said
    assert offer.archives() == []
    assert not (project.home / "store").exists() or not any((project.home / "store").iterdir())


def test_an_explicit_level_that_the_machine_has_is_installed(offer: Offer, tmp_path: Path) -> None:
    project = explicit(offer, tmp_path / "builds", "v2")
    project.run("sync")
    assert level_of(project) == "v2"


@pytest.mark.parametrize("command", variants(["run", "which"], quick=["run"]))
def test_a_tree_that_was_copied_to_an_older_machine_is_not_run(offer: Offer, tmp_path: Path, command: str) -> None:
    project = explicit(offer, tmp_path / "builds", "v2")
    project.run("sync")
    copy = Project(tmp_path / "lesser", home=tmp_path / "copied home", cache=project.cache)
    shutil.copytree(project.home, copy.home, symlinks=True)
    copy.write(project.manifest.read_text())
    shutil.copy(project.lock, copy.lock)
    words = ("run", "fast", "--", "python", "-V") if command == "run" else ("which", "fast")
    assert copy.run(*words).code == 0
    said = copy.run(*words, expect=5, PROVISION_CPU="baseline").err
    assert "entry 'fast' requires CPU level v2; this machine has baseline" in said


def test_with_auto_the_older_machine_installs_another_tree(auto: Project) -> None:
    auto.run("sync", PROVISION_CPU="v2")
    assert "fast is not installed" in auto.run("run", "fast", expect=1, PROVISION_CPU="baseline").err
    auto.run("sync", PROVISION_CPU="baseline")
    assert level_of(auto, "baseline") == "baseline"


def test_a_sync_with_a_stamp_detects_a_changed_provision_cpu(auto: Project) -> None:
    auto.run("sync")
    assert "up to date" in auto.run("sync").err
    auto.run("sync", PROVISION_CPU="baseline")
    assert (auto.directory / ".pythons/fast/lib/python3.13/os.py").read_text() == "# built for baseline\n"


def test_an_invalid_provision_cpu_is_a_usage_error(auto: Project) -> None:
    said = auto.run("sync", expect=2, PROVISION_CPU="v5").err
    assert "PROVISION_CPU: expected one of baseline, v2, v3, v4; got 'v5'" in said
