"""The platforms of an image: those requested, or all that the entries are locked for, on any machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.errors import LockFileError, UsageError
from provision.lock.lock import Lock, LockedPython
from provision.model.asset import Asset, CpuLevel, Digest
from provision.model.target import Target
from provision.model.tree import TreeOptions
from provision.model.version import Version
from provision.workflows.image_platforms import select_platforms
from provision.workflows.project import Project

_LEVEL: dict[str, CpuLevel] = {"v2": "v2", "v3": "v3"}


def entry(name: str, *targets: str) -> LockedPython:
    """An entry, locked for targets such as ``linux-x86_64 v3``."""
    words = (target.split() for target in targets)
    assets = [asset(name, target, *map(_LEVEL.__getitem__, level)) for target, *level in words]
    return LockedPython.of(name, Digest("0" * 64), assets, tree=TreeOptions())


def asset(name: str, target: str, cpu: CpuLevel = "baseline") -> Asset:
    return Asset(
        implementation="cpython",
        version=Version.parse("3.13.5"),
        build="20261101",
        target=Target.parse(target),
        cpu=cpu,
        flavor="install_only",
        url=f"https://example.com/{name}-{target}-{cpu}.tar.gz",
        sha256=Digest("0" * 64),
    )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """With a manifest whose entries are for the targets that they are locked for."""
    entries = {
        "default": ["linux-x86_64", "linux-aarch64", "macos-aarch64"],
        "debug": ["linux-x86_64"],
        "alpine": ["linux-x86_64-musl", "linux-aarch64-musl"],
        "both": ["linux-x86_64", "linux-x86_64-musl"],
        "fast": ["linux-x86_64"],
        "windows": ["windows-x86_64"],
    }
    lines = [f'{name} = {{ version = "3.13", targets = {targets} }}' for name, targets in entries.items()]
    (tmp_path / "pythons.toml").write_text("[pythons]\n" + "\n".join(lines).replace("'", '"'))
    return Project(manifest_path=tmp_path / "pythons.toml")


ALL = {
    "alpine": entry("alpine", "linux-x86_64-musl", "linux-aarch64-musl"),
    "both": entry("both", "linux-x86_64", "linux-x86_64-musl"),
    "debug": entry("debug", "linux-x86_64"),
    "default": entry("default", "linux-x86_64", "linux-aarch64", "macos-aarch64"),
    "fast": entry("fast", "linux-x86_64", "linux-x86_64 v2", "linux-x86_64 v3"),
    "windows": entry("windows", "windows-x86_64"),
}


def selected(project: Project, has: str, names: str = "", platforms: str = "") -> dict[str, tuple[str, list[str]]]:
    """By platform: the target, and the entries with their levels."""
    lock = Lock(pythons=tuple(ALL[name] for name in sorted(has.split())))
    found = select_platforms(project, lock, tuple(names.split()), platforms.split(), ("default", "debug", "default"))
    return {
        str(each.platform): (each.target.short, [f"{one.name} {one.asset.cpu}" for one in each.selected])
        for each in found
    }


@pytest.mark.parametrize(
    ("has", "names", "platforms", "expected"),
    [
        (
            "debug default windows",
            "",
            "",
            {
                "linux/amd64": ("linux-x86_64", ["default baseline", "debug baseline"]),
                "linux/arm64": ("linux-aarch64", ["default baseline"]),
            },
        ),
        (
            "debug default",
            "debug default",
            "",
            {"linux/amd64": ("linux-x86_64", ["default baseline", "debug baseline"])},
        ),
        (
            "alpine both",
            "alpine both",
            "",
            {"linux/amd64": ("linux-x86_64-musl", ["alpine baseline", "both baseline"])},
        ),
        ("alpine both", "both", "", {"linux/amd64": ("linux-x86_64", ["both baseline"])}),
        ("both", "", "linux-x86_64-musl", {"linux/amd64": ("linux-x86_64-musl", ["both baseline"])}),
        (
            "fast",
            "",
            "linux/amd64/v4 linux/amd64 linux/amd64/v2",
            {
                "linux/amd64": ("linux-x86_64", ["fast baseline"]),
                "linux/amd64/v2": ("linux-x86_64", ["fast v2"]),
                "linux/amd64/v4": ("linux-x86_64", ["fast v3"]),
            },
        ),
    ],
)
def test_platforms_and_their_entries_follow_from_the_lock_alone(
    project: Project, has: str, names: str, platforms: str, expected: object
) -> None:
    assert selected(project, has, names, platforms) == expected


@pytest.mark.parametrize(
    ("has", "names", "platforms", "problem"),
    [
        (
            "default",
            "",
            "linux/s390x",
            r"entry 'default' is not locked for linux/s390x, only for ",
        ),
        ("debug alpine", "debug alpine", "", r"the entries are not locked for any one platform of images, only"),
        ("windows", "", "", r"entry 'windows' is not locked for any one platform of images, only for windows-"),
        ("debug", "debug", "linux-aarch64", r"entry 'debug' is not locked for linux-aarch64"),
    ],
)
def test_a_platform_that_is_not_locked_is_an_error(
    project: Project, has: str, names: str, platforms: str, problem: str
) -> None:
    with pytest.raises(LockFileError, match=problem):
        selected(project, has, names, platforms)


@pytest.mark.parametrize(
    ("platforms", "problem"),
    [
        ("linux/amd", "expected a platform such as linux/amd64, got 'linux/amd'. Did you mean 'linux/amd64'?"),
        ("windows-x86_64", "expected a platform such as linux/amd64, got 'windows-x86_64'"),
        ("linux-x86_64-musl linux-x86_64", "--platform: linux-x86_64 and linux-x86_64-musl are both linux/amd64"),
    ],
)
def test_an_invalid_platform_is_a_usage_error(project: Project, platforms: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        selected(project, "both", "", platforms)
    assert problem in str(caught.value)
