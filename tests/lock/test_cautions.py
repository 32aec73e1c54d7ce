"""What people should know of a locked entry."""

from __future__ import annotations

from datetime import date

import pytest

from provision.lock.cautions import cautions
from provision.model.asset import Asset
from tests.lock.samples import asset, python

TODAY = date(2026, 5, 1)
MUSL = "linux-x86_64-musl"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([asset("3.14.2+20260127", MUSL, "lto")], []),
        (
            [asset("3.9.1+20260127", MUSL, "lto")],
            ["CPython 3.9 is past its end of life: no security fixes since 2025-10-31"],
        ),
        (
            [asset("3.10.1+20260127", "macos-aarch64")],
            [
                "CPython 3.10 gets security fixes until 2026-10-31 only",
                "virtual environments made through a symbolic link to 3.10 do not find their standard library",
            ],
        ),
        ([asset("3.15.0rc1+20260127", MUSL, "lto")], ["3.15.0rc1 is a prerelease"]),
        (
            [asset("3.13.2+20250212", MUSL, "lto+static")],
            ["static builds cannot load extension modules: linux-x86_64-musl"],
        ),
        (
            [asset("3.14.2+20260127", MUSL, "lto", cpu="v3"), asset("3.14.2+20260127", MUSL, "lto", cpu="v4")],
            ["linux-x86_64-musl: CPUs below x86-64-v3 cannot run it, and sync refuses them"],
        ),
        ([asset("3.14.2+20260127", MUSL, "lto"), asset("3.14.2+20260127", MUSL, "lto", cpu="v4")], []),
        (
            [asset("3.12.2+20260127"), asset("3.12.2+20260127", "linux-riscv64", "lto")],
            [
                "needs glibc 2.17 or newer: linux-x86_64",
                "needs glibc 2.28 or newer: linux-riscv64",
                "the module crypt needs the system's libcrypt.so.1",
            ],
        ),
        ([asset("3.14.2+20260127", "macos-x86_64")], ["needs macOS 10.15 or newer: macos-x86_64"]),
        ([asset("3.13.1+20241219", "macos-x86_64")], []),
        ([asset("3.11.13+7.3.20", implementation="pypy", flavor="install_only", options="")], []),
    ],
)
def test_cautions(rows: list[Asset], told: list[str]) -> None:
    assert list(cautions(python(*rows), TODAY)) == told
