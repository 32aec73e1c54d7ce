"""What is said when a target, an option, a flavor or a level is missing: what does exist."""

from __future__ import annotations

import pytest

from provision.model.asset import Flavor
from tests.lock.samples import asset, builds, refusals

FLAVORS: tuple[Flavor, ...] = ("full", "install_only", "install_only_stripped")
FOUR = 'targets = ["linux-x86_64", "linux-aarch64", "macos-aarch64", "windows-x86_64"]'
UNIX = ("linux-x86_64", "linux-aarch64", "macos-aarch64")
ROWS = (
    *builds("3.14.7+20260814", flavors=FLAVORS),
    *(asset("3.14.7+20260814", target, "debug", flavor="full") for target in UNIX),
    asset("3.14.7+20260814", "linux-x86_64", "freethreaded+pgo+lto", flavor="full"),
    asset("3.14.7+20260814", "linux-x86_64", cpu="v3"),
    asset("3.13.2+20250212", "linux-x86_64-musl", "lto+static"),
    asset("3.13.2+20250212", "linux-x86_64", "freethreaded+pgo+lto"),
    asset("3.13.5+20250610", "linux-x86_64-musl", "lto"),
    asset("3.12.11+20250818"),
    asset("3.12.11+20250818", "linux-i686"),
    asset("3.12.11+20250818", "macos-x86_64"),
)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (
            '"3.14d"',
            (
                "no debug build of CPython 3.14 exists for windows-x86_64; "
                "debug exists for linux-aarch64, linux-x86_64, macos-aarch64"
            ),
        ),
        (
            '{version = "3.12t", targets = ["linux-x86_64"]}',
            "no free-threaded build of CPython 3.12 exists for linux-x86_64; free-threaded builds begin with 3.13",
        ),
        (
            '{version = "3.12", targets = ["linux-x86_64", "macos-aarch64", "windows-x86_64"]}',
            (
                "no build of CPython 3.12 exists for macos-aarch64, windows-x86_64; there are some of 3.14; "
                "it exists for linux-i686, linux-x86_64, macos-x86_64"
            ),
        ),
        (
            '{version = "3.14", cpu = "v3"}',
            (
                "no v3 build of CPython 3.14 exists for linux-aarch64, macos-aarch64, windows-x86_64; "
                "v3 exists for linux-x86_64; the levels there are baseline"
            ),
        ),
        (
            '{version = "3.14", debug = true, flavor = "install_only", targets = ["linux-x86_64"]}',
            "no debug install_only build of CPython 3.14 exists for linux-x86_64; the flavors there are full",
        ),
        (
            '{version = "3.14", build-options = ["pgo", "lto"]}',
            (
                "no pgo+lto build of CPython 3.14 exists for windows-x86_64; "
                "pgo+lto exists for linux-aarch64, linux-x86_64, macos-aarch64; the build options there are pgo"
            ),
        ),
        (
            '{version = "3.13.2", targets = ["linux-x86_64-musl"]}',
            (
                "no build of CPython 3.13.2 exists for linux-x86_64-musl; there are some of 3.13; "
                "the build options there are lto+static"
            ),
        ),
        (
            '{version = "3.13", build = "20250212", targets = ["linux-x86_64-musl"]}',
            (
                "no build of CPython 3.13 of build 20250212 exists for linux-x86_64-musl; "
                "builds that have it are 20250610; the build options there are lto+static"
            ),
        ),
        (
            '{version = "3.14td", targets = ["windows-x86_64"]}',
            "no free-threaded debug build of CPython 3.14 exists for windows-x86_64; the builds there are pgo",
        ),
        (
            '{version = "3", targets = ["linux-i686", "windows-x86_64"]}',
            (
                "no one build of CPython 3 has all of linux-i686, windows-x86_64; the nearest, "
                "3.14.7+20260814 install_only_stripped, lacks linux-i686: ask for that under a name of its own"
            ),
        ),
        (
            '{version = "3.14", flavor = "install_only", cpu = "v3", targets = ["linux-x86_64", "macos-x86_64"]}',
            (
                "no v3 install_only build of CPython 3.14 exists for macos-x86_64; other builds there are of 3.12\n"
                "no v3 install_only build of CPython 3.14 exists for linux-x86_64; "
                "the flavors there are install_only_stripped; the levels there are baseline"
            ),
        ),
    ],
)
def test_it_says_what_does_exist(entry: str, told: str) -> None:
    assert "\n".join(refusals(f"default = {entry}", *ROWS, settings=FOUR)) == told
