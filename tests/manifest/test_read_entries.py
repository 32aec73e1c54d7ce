"""What an entry requests, merged with the settings; which of its keys contradict each other."""

from __future__ import annotations

import pytest

from provision.manifest.manifest import Request
from provision.manifest.version_request import parse_request
from provision.model.asset import BuildOptions, Digest
from provision.model.target import Target
from provision.model.tree import TreeOptions
from tests.manifest.samples import SHA, error_lines, one

GNU, ARM, MUSL, MAC = map(Target.parse, ("linux-x86_64", "linux-aarch64", "linux-x86_64-musl", "macos-aarch64"))
URL = "https://example.com/a.tar.gz"
OWN = f'url = {{ linux-x86_64 = "{URL}" }}, sha256 = {{ linux-x86_64 = "{SHA}" }}'
TWO = 'targets = ["linux-x86_64", "linux-aarch64"]'


def test_a_text_is_the_version() -> None:
    expected = Request(name="x", version=parse_request("3.14").version)
    assert one('"3.14"') == one('{ version = "3.14" }') == expected


def test_all_keys_of_an_entry_are_read() -> None:
    spec = f"""{{ version = "pypy3.11", build = "7.3.20", targets = ["macos-aarch64", "linux-x86_64"], flavor = "full",
        cpu = "v3", debug = true, freethreaded = true, build-options = ["lto", "pgo"], prereleases = true,
        cooldown = "1 week", bytecode = "unchecked-hash", externally-managed = false, without = ["tests", "idle"],
        sha256 = {{ linux-x86_64 = "{SHA}" }} }}""".replace("\n", " ")
    assert one(spec) == Request(
        name="x",
        implementation="pypy",
        version=parse_request("3.11").version,
        build="7.3.20",
        targets=(MAC, GNU),
        flavor="full",
        cpu="v3",
        cpu_strict=True,
        debug=True,
        freethreaded=True,
        options=BuildOptions.parse("pgo+lto"),
        prereleases=True,
        cooldown=604_800,
        tree=TreeOptions(bytecode=True, externally_managed=False, without=("idle", "tests")),
        sha256=((GNU, Digest(SHA)),),
    )


@pytest.mark.parametrize(
    ("spelling", "other"),
    [
        ('"3.14t"', '{ version = "3.14", freethreaded = true }'),
        ('"3.14td"', '{ version = "3.14+freethreaded", debug = true }'),
        (
            '{ version = "3.14t", build-options = ["pgo"] }',
            '{ version = "3.14", build-options = ["freethreaded","pgo"] }',
        ),
        ('"cpython-3.13.5-linux-x86_64_v3-gnu"', '{ version = "3.13.5", cpu = "v3", targets = ["linux-x86_64"] }'),
        ('"cpython-3.13.5-linux-aarch64-gnu"', '{ version = "3.13.5", targets = ["aarch64-unknown-linux-gnu"] }'),
        ('{ version = "3.14", debug = false }', '"3.14"'),
        ('{ version = "3.14", without = ["idle", "tests"] }', '{ version = "3.14", without = ["tests", "idle"] }'),
    ],
)
def test_two_spellings_of_one_request_are_equal(spelling: str, other: str) -> None:
    assert one(spelling) == one(other)


def test_an_entry_is_merged_with_the_settings() -> None:
    settings = f'{TWO}\nflavor = "install_only"\ncpu = "v3"\nprereleases = true\ncooldown = "3 days"'
    request = one('"3.14"', settings)
    assert request.targets == (GNU, ARM)
    assert (request.flavor, request.preferred_flavor) == (None, "install_only")
    assert (request.cpu, request.cpu_strict) == ("v3", False)
    assert (request.prereleases, request.cooldown) == (True, 259_200)


def test_an_entry_overrides_the_settings() -> None:
    settings = f'{TWO}\nflavor = "install_only"\ncpu = "v3"\nprereleases = true\ncooldown = "3 days"'
    spec = (
        '{ version = "3.14", targets = ["linux-x86_64-musl"], flavor = "full", cpu = "auto", prereleases = false, '
        "cooldown = 0 }"
    )
    request = one(spec, settings)
    assert request.targets == (MUSL,)
    assert (request.flavor, request.preferred_flavor) == ("full", None)
    assert (request.cpu, request.cpu_strict) == ("auto", True)
    assert (request.prereleases, request.cooldown) == (False, 0)


def test_the_baseline_is_never_strict() -> None:
    request = one('{ version = "3.14", cpu = "baseline" }', 'cpu = "v3"')
    assert (request.cpu, request.cpu_strict) == ("baseline", False)


def test_a_key_of_uv_without_a_level_means_the_baseline() -> None:
    request = one('"cpython-3.13.5-linux-x86_64-gnu"', 'cpu = "v3"')
    assert (request.cpu, request.targets) == ("baseline", (GNU,))


def test_empty_build_options_differ_from_missing_ones() -> None:
    assert one('"3.14"').options is None
    assert one('{ version = "3.14", build-options = [] }').options == BuildOptions()


def test_custom_archives_are_for_their_own_targets_regardless_of_the_settings() -> None:
    request = one(f'{{ version = "3.13.5", {OWN} }}', TWO)
    assert request.url == ((GNU, URL),)
    assert request.sha256 == ((GNU, Digest(SHA)),)
    assert request.targets == (GNU,)


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        (
            '{ version = "3.14t", freethreaded = false }',
            "pythons.x.freethreaded: false contradicts `version` (3.14t), which requests a freethreaded build",
        ),
        (
            '{ version = "3.14", debug = false, build-options = ["debug"] }',
            "pythons.x.debug: false contradicts `build-options`, which requests a debug build",
        ),
        (
            '{ version = "cpython-3.13.5-linux-x86_64_v3-gnu", cpu = "v2" }',
            'pythons.x.cpu: "v2" contradicts `version`, which names v3 (cpython-3.13.5-linux-x86_64_v3-gnu)',
        ),
        (
            '{ version = "cpython-3.13.5-linux-x86_64-gnu", targets = ["macos-aarch64"] }',
            "pythons.x.targets: these contradict `version`, which names x86_64-unknown-linux-gnu",
        ),
        (
            '{ version = "3.15.0rc1", prereleases = false }',
            "pythons.x.prereleases: false contradicts `version`, which names a prerelease (3.15.0rc1)",
        ),
        (
            f'{{ version = "3.13.5", url = {{ linux-x86_64 = "{URL}" }} }}',
            "pythons.x.url: sha256 for x86_64-unknown-linux-gnu is missing; each URL requires one",
        ),
        (
            f'{{ version = "3.13", {OWN} }}',
            "pythons.x.version: a custom archive requires one full version such as 3.13.5; got 3.13",
        ),
        (
            f'{{ version = "3.13.5", targets = ["macos-aarch64", "linux-x86_64"], {OWN} }}',
            f"pythons.x.url: the URLs are for {GNU}, but the entry is for {MAC}, {GNU}",
        ),
        (
            f'{{ version = "cpython-3.13.5-linux-aarch64-gnu", {OWN} }}',
            f"pythons.x.url: the URLs are for {GNU}, but the entry is for {ARM}",
        ),
        ('"3.14x"', "pythons.x: '3.14x' is not a version request such as 3.14"),
        ("3.14", 'pythons.x: expected a version such as "3.14", or a table; got the number 3.14'),
        ("true", 'pythons.x: expected a version such as "3.14", or a table; got true'),
        ('["3.14"]', 'pythons.x: expected a version such as "3.14", or a table; got a list'),
        ("{}", "pythons.x: `version` is missing"),
    ],
)
def test_invalid_entries_are_refused(spec: str, complaint: str) -> None:
    (line,) = error_lines(f"[pythons]\nx = {spec}\n")
    place, _, message = line.partition(": ")
    assert place.startswith("2:")
    assert message.startswith(complaint)


def test_a_prerelease_named_by_the_text_needs_no_setting() -> None:
    assert one('"3.15.0rc1"', "prereleases = false").version.allows_prerelease
