"""Which locked asset a machine gets, and which it is refused."""

from __future__ import annotations

import pytest

from provision.errors import LockFileError, PolicyError
from provision.lock.select import assets_for_target, glibc_floor, select_asset
from provision.model.asset import CpuLevel
from provision.model.target import Host, Target
from tests.lock.samples import asset, python

LINUX = Host(target=Target.parse("linux-x86_64"), glibc=(2, 36))
ALL_LEVELS = python(asset(), asset(cpu="v2"), asset(cpu="v3"), asset(cpu="v4"), asset(target="linux-aarch64"))


def never() -> CpuLevel:
    raise AssertionError("finding the level is dear, and does not decide here")


def test_a_machine_gets_the_asset_of_its_own_target() -> None:
    assert select_asset(python(), host=LINUX, level=never) == asset()


@pytest.mark.parametrize("level", ["baseline", "v2", "v3", "v4"])
def test_a_machine_gets_the_highest_level_that_it_can_run(level: CpuLevel) -> None:
    assert select_asset(ALL_LEVELS, host=LINUX, level=lambda: level).cpu == level


def test_a_lower_level_is_selected_if_the_levels_have_gaps() -> None:
    assert select_asset(python(asset(), asset(cpu="v4")), host=LINUX, level=lambda: "v3").cpu == "baseline"


def test_a_level_that_the_machine_cannot_run_is_refused() -> None:
    with pytest.raises(PolicyError) as caught:
        select_asset(python(asset(cpu="v3"), name="fast"), host=LINUX, level=lambda: "v2")
    assert str(caught.value) == "entry 'fast' requires CPU level v3; this machine has v2"
    assert caught.value.exit_code == 5


def test_a_lock_file_without_the_target_of_the_machine_is_incomplete() -> None:
    alpine = Host(target=Target.parse("linux-x86_64-musl"))
    with pytest.raises(LockFileError) as caught:
        select_asset(python(), host=alpine, level=never)
    assert str(caught.value) == (
        "entry 'default' is not locked for this machine (linux-x86_64-musl), only for "
        "macos-aarch64, windows-x86_64, linux-x86_64"
    )
    assert caught.value.exit_code == 4
    assert "linux-x86_64-musl" in str(caught.value.hint)


def test_emulated_targets_come_after_the_own_target_in_their_order() -> None:
    arm = Host(
        target=Target.parse("windows-aarch64"),
        emulated=(Target.parse("windows-x86_64"), Target.parse("windows-i686")),
    )
    own, first, second = (asset(target=target) for target in ("windows-aarch64", "windows-x86_64", "windows-i686"))
    assert select_asset(python(own, first, second), host=arm, level=never) == own
    assert select_asset(python(first, second), host=arm, level=never) == first
    assert select_asset(python(second), host=arm, level=never) == second


@pytest.mark.parametrize(
    ("target", "glibc", "floor"),
    [("linux-x86_64", (2, 12), "2.17"), ("linux-riscv64", (2, 27), "2.28"), ("linux-armv7", (2, 13), "2.17")],
)
def test_a_glibc_older_than_the_builds_is_refused(target: str, glibc: tuple[int, int], floor: str) -> None:
    host = Host(target=Target.parse(target), glibc=glibc)
    with pytest.raises(PolicyError, match=f"requires glibc {floor} or newer on {target}"):
        select_asset(python(asset(target=target)), host=host, level=never)


def test_a_glibc_that_is_new_enough_or_unknown_is_accepted() -> None:
    riscv, row = Target.parse("linux-riscv64"), asset(target="linux-riscv64")
    for glibc in ((2, 28), (2, 41), (3, 0), None):
        assert select_asset(python(row), host=Host(target=riscv, glibc=glibc), level=never) == row


def test_a_build_whose_loader_is_absent_is_refused_unless_it_is_static() -> None:
    host = Host(target=Target.parse("linux-x86_64"), absent_loader="/lib64/ld-linux-x86-64.so.2")
    with pytest.raises(PolicyError, match=r"need the dynamic loader /lib64/ld-linux-x86-64\.so\.2"):
        select_asset(python(), host=host, level=never)
    static = asset(options="noopt+static")
    assert select_asset(python(static), host=host, level=never) == static
    other = Host(
        target=Target.parse("linux-aarch64"), emulated=(host.target,), absent_loader="/lib/ld-linux-aarch64.so.1"
    )
    assert select_asset(python(), host=other, level=never) == asset()


def test_only_gnu_builds_need_a_glibc() -> None:
    assert glibc_floor(Target.parse("linux-x86_64-musl")) is None
    assert glibc_floor(Target.parse("macos-aarch64")) is None


def test_another_machine_gets_all_assets_locked_for_its_target() -> None:
    levels = [row.cpu for row in assets_for_target(ALL_LEVELS, Target.parse("linux-x86_64"))]
    assert levels == ["baseline", "v2", "v3", "v4"]
    assert assets_for_target(ALL_LEVELS, Target.parse("macos-aarch64")) == ()


@pytest.mark.parametrize(
    ("version", "build", "runs"),
    [
        ((10, 14), "20250106", False),
        ((10, 14), "20241219", True),
        ((10, 15), "20260814", True),
        (None, "20260814", True),
    ],
)
def test_builds_for_intel_macs_need_the_macos_they_were_built_for(
    version: tuple[int, int] | None, build: str, runs: bool
) -> None:
    row = python(asset(f"3.13.1+{build}", "macos-x86_64"))
    host = Host(target=Target.parse("macos-x86_64"), macos=version)
    if runs:
        assert select_asset(row, host=host, level=never).build == build
    else:
        with pytest.raises(PolicyError, match=r"requires macOS 10\.15 or newer; this machine has 10\.14"):
            select_asset(row, host=host, level=never)
