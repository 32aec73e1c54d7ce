"""The message if no asset satisfies a request: what is missing first, and what exists instead."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provision.catalog.catalog import Catalog
from provision.catalog.snapshot import BUNDLED, Snapshot
from provision.errors import ProvisionError, ResolutionError, SeveralErrors
from provision.lock.no_match import implementation_title, request_title, series_list, variant_words
from provision.lock.resolve import resolve
from provision.model.asset import IMPLEMENTATIONS, Asset, Flavor
from provision.model.version import Version
from tests.lock.samples import asset, builds, lock, manifest, refusals, request

SERIES = (
    asset("3.15.0rc1+20260814"),
    asset("3.15.0rc2+20261021"),
    asset("3.14.9+20261021"),
    asset("3.14.7+20260814"),
    asset("3.14.2+20260127"),
    asset("3.14.0+20251010"),
    asset("3.12.11+20250818"),
    asset("3.10.1+20250818"),
    asset("3.11.15+8.0.0", implementation="pypy", flavor="install_only", options=""),
)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('"graalpy3.12"', "no catalog has GraalPy; known are CPython, PyPy"),
        ('"3.14.3"', "no CPython 3.14.3 is known here; the nearest versions are 3.14.2, 3.14.0, 3.14.7"),
        ('"3.99"', "no CPython 3.99 is known here; known series are 3.10, 3.12, 3.14, 3.15"),
        ('">=3.16"', "no CPython >=3.16 is known here; known series are 3.10, 3.12, 3.14, 3.15"),
        ('"pypy3.10"', "no PyPy 3.10 is known here; known series are 3.11"),
        ('"3.15"', "no final release of CPython 3.15 is known here; the newest prerelease is 3.15.0rc2"),
        (
            '{version = "3.12", build = "20250819"}',
            "no CPython 3.12 of build 20250819 is known here: that build is unknown; builds of 3.12.11 are 20250818",
        ),
        (
            '{version = "3.14", build = "20250818"}',
            (
                "no CPython 3.14 of build 20250818 is known here: that build has 3.12.11, 3.10.1; "
                "builds of 3.14.9 are 20261021"
            ),
        ),
        (
            '{version = "3.14.9", cooldown = "1 week"}',
            (
                "all matching builds of CPython 3.14.9 are in their cooldown of 7 days; "
                "3.14.9+20261021 can be locked from 2026-10-28 00:00 UTC; "
                "the cooldown is measured against the catalog date, 2026-10-25; "
                "`provision catalog update` moves that date"
            ),
        ),
    ],
)
def test_the_first_property_without_a_match_is_named(entry: str, message: str) -> None:
    assert refusals(f"default = {entry}", *SERIES) == [message]


def test_a_prerelease_has_a_hint_how_to_request_it() -> None:
    with pytest.raises(ResolutionError) as caught:
        lock('default = "3.15"', *SERIES)
    assert caught.value.hint == 'Request "3.15.0rc2", or set `prereleases = true`.'


def test_all_errors_are_raised_at_once_each_with_its_place() -> None:
    with pytest.raises(SeveralErrors) as caught:
        lock('a = "3.99"\nb = "3.14"\nc = { version = "3.15" }', *SERIES)
    assert [str(error).partition(": ")[0] for error in caught.value.errors] == ["pythons.toml:4:1", "pythons.toml:6:1"]
    assert caught.value.exit_code == 1


FLAVORS: tuple[Flavor, ...] = ("full", "install_only", "install_only_stripped")
FOUR = 'targets = ["linux-x86_64", "linux-aarch64", "macos-aarch64", "windows-x86_64"]'
UNIX = ("linux-x86_64", "linux-aarch64", "macos-aarch64")
PLATFORMS = (
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
    ("entry", "message"),
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
                "no build of CPython 3.12 exists for macos-aarch64, windows-x86_64; such builds exist for 3.14; "
                "the build exists for linux-i686, linux-x86_64, macos-x86_64"
            ),
        ),
        (
            '{version = "3.14", cpu = "v3"}',
            (
                "no v3 build of CPython 3.14 exists for linux-aarch64, macos-aarch64, windows-x86_64; "
                "v3 exists for linux-x86_64; the known CPU levels are baseline"
            ),
        ),
        (
            '{version = "3.14", debug = true, flavor = "install_only", targets = ["linux-x86_64"]}',
            "no debug install_only build of CPython 3.14 exists for linux-x86_64; the known flavors are full",
        ),
        (
            '{version = "3.14", build-options = ["pgo", "lto"]}',
            (
                "no pgo+lto build of CPython 3.14 exists for windows-x86_64; "
                "pgo+lto exists for linux-aarch64, linux-x86_64, macos-aarch64; the known build options are pgo"
            ),
        ),
        (
            '{version = "3.13.2", targets = ["linux-x86_64-musl"]}',
            (
                "no build of CPython 3.13.2 exists for linux-x86_64-musl; such builds exist for 3.13; "
                "the known build options are lto+static"
            ),
        ),
        (
            '{version = "3.13", build = "20250212", targets = ["linux-x86_64-musl"]}',
            (
                "no build of CPython 3.13 of build 20250212 exists for linux-x86_64-musl; "
                "matching builds are 20250610; the known build options are lto+static"
            ),
        ),
        (
            '{version = "3.14td", targets = ["windows-x86_64"]}',
            "no free-threaded debug build of CPython 3.14 exists for windows-x86_64; the known builds are pgo",
        ),
        (
            '{version = "3", targets = ["linux-i686", "windows-x86_64"]}',
            (
                "no single build of CPython 3 has all of linux-i686, windows-x86_64; the nearest, "
                "3.14.7+20260814 install_only_stripped, lacks linux-i686: add a separate entry for those targets"
            ),
        ),
        (
            '{version = "3.14", flavor = "install_only", cpu = "v3", targets = ["linux-x86_64", "macos-x86_64"]}',
            (
                "no v3 install_only build of CPython 3.14 exists for macos-x86_64; other builds exist for 3.12\n"
                "no v3 install_only build of CPython 3.14 exists for linux-x86_64; "
                "the known flavors are install_only_stripped; the known CPU levels are baseline"
            ),
        ),
    ],
)
def test_missing_targets_are_named_with_existing_builds(entry: str, message: str) -> None:
    assert "\n".join(refusals(f"default = {entry}", *PLATFORMS, settings=FOUR)) == message


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ('"3.14"', "CPython 3.14|"),
        ('"3.14td"', "CPython 3.14|free-threaded debug"),
        ('{ version = ">=3.13,<3.15", flavor = "full" }', "CPython >=3.13,<3.15|full"),
        ('{ version = "3.14", build-options = ["lto", "static"] }', "CPython 3.14|lto static"),
        ('{ version = "3.14", build = "20260814" }', "CPython 3.14 of build 20260814|"),
        ('"pypy3.11"', "PyPy 3.11|"),
    ],
)
def test_a_request_is_named_by_its_version_and_its_variant(entry: str, words: str) -> None:
    assert f"{request_title(request(entry))}|{variant_words(request(entry))}" == words


def test_consecutive_series_are_a_range() -> None:
    versions = [Version.parse(text) for text in ("3.14.1", "3.12.0", "3.13.2", "3.9.1", "3.14.0", "3.10.3")]
    assert series_list(versions) == "3.9, 3.10, 3.12 to 3.14"


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_every_implementation_has_a_title(implementation: str) -> None:
    assert implementation_title(implementation).lower() == implementation
    assert implementation_title(implementation) != implementation


@pytest.mark.parametrize(
    ("entry", "may_help"),
    [
        ('{version = "3.14", cpu = "v3", targets = ["linux-aarch64"]}', False),
        ('{version = "3.14", targets = ["linux-s390x"]}', False),
        ('{version = "3.12t"}', False),
        ('{version = "3.14", build = "20260101"}', True),
        ('"3.99"', True),
    ],
)
def test_an_update_of_the_catalog_is_suggested_only_if_it_may_help(entry: str, may_help: bool) -> None:
    rows = (*SERIES, asset("3.14.9+20261021", options="freethreaded+lto+pgo"))
    with pytest.raises(ResolutionError) as caught:
        lock(f"one = {entry}", *rows)
    assert ("catalog update" in str(caught.value.hint)) == may_help


@pytest.mark.parametrize(
    ("entry", "decoded"),
    [
        ('"3.9.1"', {"3.9.1"}),
        ('{version = "3.8.5", cpu = "v3"}', {"3.8.5"}),
        ('{version = "3.12.1", build-options = ["debug"], flavor = "install_only"}', {"3.12.1"}),
        ('"3.8.99"', set()),
        ('{version = "3.12.1", build = "20200101"}', set()),
    ],
)
def test_only_assets_of_versions_that_the_request_allows_are_decoded(entry: str, decoded: set[str]) -> None:
    """Thirty thousand assets take a long time, and what else exists follows from the variants."""
    source = Recorded()
    given = manifest(f"one = {entry}", settings=FOUR)
    with pytest.raises(ProvisionError):
        resolve(given, Catalog(sources=(source,)), None, host=None)
    assert source.decoded == decoded


class Recorded(Snapshot):
    """The bundled catalog, which notes the versions whose assets are decoded."""

    def __init__(self) -> None:
        super().__init__(BUNDLED.read_bytes())
        self.decoded: set[str] = set()

    def assets(self, implementation: str, version: Version, build: str) -> Iterator[Asset]:
        self.decoded.add(str(version))
        return super().assets(implementation, version, build)
