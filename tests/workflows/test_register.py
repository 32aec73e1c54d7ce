"""`register`: what is written into a registry in memory; `tests/host/test_registry.py` has the real one."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from provision.cli.commands.register import present_registered
from provision.errors import ManifestError, StoreError
from provision.host.detect import detect_host
from provision.lock.write import format_lock
from provision.model.value import replace
from provision.store.layout import Store
from provision.workflows.options import Options
from provision.workflows.register import Registered, register, tag_of, unregister
from tests.lock.samples import asset, python
from tests.review.samples import lock
from tests.store.samples import ASSET, FREE, install
from tests.support.project import Project
from tests.support.schemas import check_document

COMPANY = "Software\\Python\\provision"


class MemoryRegistry:
    """Keys with their values, by their paths."""

    def __init__(self) -> None:
        self.keys: dict[str, dict[str, str]] = {}

    def names(self, path: str) -> tuple[str, ...]:
        below = [key.removeprefix(f"{path}\\") for key in self.keys if key.startswith(f"{path}\\")]
        return tuple(sorted({key.partition("\\")[0] for key in below}))

    def values(self, path: str) -> dict[str, str]:
        return self.keys.get(path, {})

    def write(self, path: str, values: Mapping[str, str]) -> None:
        self.keys.setdefault(path, {}).update(values)

    def remove(self, path: str) -> None:
        self.keys = {key: of for key, of in self.keys.items() if key != path and not key.startswith(f"{path}\\")}


@pytest.fixture
def project(options: Options, tmp_path: Path) -> Options:
    """Entries ``default`` and ``free`` are installed, ``other`` is not."""
    target = detect_host().target
    entries = {name: replace(of, target=target) for name, of in (("default", ASSET), ("free", FREE))}
    for of in entries.values():
        install(Store(options.home), of)
    entries["other"] = asset("3.12.9+20260814", target.short)
    (tmp_path / "pythons.lock").write_text(format_lock(lock(*(python(of, name=name) for name, of in entries.items()))))
    (tmp_path / "pythons.toml").write_text("[pythons]\n")
    return options


def test_all_installed_entries_are_registered_according_to_pep_514(project: Options) -> None:
    registry = MemoryRegistry()
    done = register(project, registry)
    tags = {name: tag.removesuffix("-arm64") for name, tag in done.tags.items()}
    assert tags == {"default": "3.13.5", "free": "3.13.5t"}
    check_document("register", present_registered(done, removed=False).document)
    key = f"{COMPANY}\\{done.tags['free']}"
    assert registry.values(COMPANY) == {"DisplayName": "provision"}
    assert registry.values(key) == {
        "DisplayName": "Python 3.13.5 freethreaded (provision)",
        "Version": "3.13.5",
        "SysVersion": "3.13",
        "SysArchitecture": "64bit",
    }
    values = registry.values(f"{key}\\InstallPath")
    assert Path(values["ExecutablePath"]).is_relative_to(values[""])
    assert Path(values["ExecutablePath"]).is_file()
    assert register(project, registry) == done


def test_only_named_entries_are_registered_and_impossible_ones_are_errors(project: Options) -> None:
    registry = MemoryRegistry()
    assert list(register(project, registry, ("free",)).tags) == ["free"]
    for name, error in (("other", StoreError), ("nobody", ManifestError)):
        with pytest.raises(error, match=name):
            register(project, registry, (name,))


def test_registering_without_installed_entries_is_an_error(project: Options) -> None:
    for receipt in (project.home / "receipts").glob("*.json"):
        receipt.unlink()
    registry = MemoryRegistry()
    with pytest.raises(StoreError, match="no entry is installed"):
        register(project, registry)
    assert registry.keys == {}


def test_missing_and_unregistered_entries_are_removed_and_foreign_keys_are_kept(project: Options) -> None:
    registry = MemoryRegistry()
    registry.write("Software\\Python\\PythonCore\\3.13", {"DisplayName": "another"})
    registry.write(f"{COMPANY}\\3.9.1\\InstallPath", {"ExecutablePath": "/nowhere/python.exe"})
    done = register(project, registry)
    assert done.gone == ("3.9.1",)
    assert unregister(project, registry, ("free",)) == Registered(tags={"free": done.tags["free"]})
    assert registry.names(COMPANY) == (done.tags["default"],)
    assert list(unregister(project, registry).tags) == ["default"]
    assert list(registry.keys) == ["Software\\Python\\PythonCore\\3.13"]
    assert unregister(project, registry) == Registered(tags={})


@pytest.mark.parametrize(
    ("name", "target", "options", "tag"),
    [
        ("3.14.7+20260814", "windows-x86_64", "pgo", "3.14.7"),
        ("3.14.7+20260814", "windows-i686", "pgo", "3.14.7-32"),
        ("3.14.7+20260814", "windows-aarch64", "freethreaded", "3.14.7t-arm64"),
        ("3.15.0rc1+20260814", "windows-x86_64", "freethreaded+debug", "3.15.0rc1td"),
    ],
)
def test_each_entry_has_its_tag(name: str, target: str, options: str, tag: str) -> None:
    assert tag_of(asset(name, target, options)) == tag
    pypy = replace(asset(name, target, ""), implementation="pypy")
    assert tag_of(pypy).startswith("pypy3.1")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has a registry")
def test_on_other_systems_the_command_is_one_error(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    for words in ((), ("--remove",)):
        ended = project.run("register", *words, expect=2)
        assert ended.err.startswith("error: `provision register` is for Windows")
