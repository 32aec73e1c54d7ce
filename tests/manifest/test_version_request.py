"""Requests for a Python: versions, ranges, uv's short forms and keys, and what each of them matches."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from packaging.specifiers import SpecifierSet

from provision.host.zstd import zstd_module
from provision.manifest.version_request import REQUEST_PATTERN, ParsedRequest, VersionRequest, parse_request
from provision.model.target import Target
from provision.model.version import Version
from tests.manifest.strategies import SPECIFIER_SETS, parsed_requests, unhurried, versions

GNU = Target.parse("x86_64-unknown-linux-gnu")


def matched(text: str, candidates: str) -> str:
    request = parse_request(text).version
    return " ".join(version for version in candidates.split() if request.matches(Version.parse(version)))


@pytest.mark.parametrize(
    ("text", "matching"),
    [
        ("3", "3.12.9 3.14.0 3.14.2 3.15.0rc1"),
        ("3.14", "3.14.0 3.14.2"),
        ("3.14.2", "3.14.2"),
        ("3.15", "3.15.0rc1"),
        ("3.15.0rc1", "3.15.0rc1"),
        ("3.15rc1", "3.15.0rc1"),
        ("3.15.0", ""),
        (">=3.12,<3.14", "3.12.9"),
        (">= 3.12 , < 3.14", "3.12.9"),
        (">3.12", "3.12.9 3.14.0 3.14.2 3.15.0rc1"),
        ("<3.15", "3.12.9 3.14.0 3.14.2"),  # PEP 440: a release candidate of 3.15 is not below 3.15
        ("<3.15.0rc2", "3.12.9 3.14.0 3.14.2 3.15.0rc1"),
        ("<=3.14", "3.12.9 3.14.0"),
        ("==3.14", "3.14.0"),  # PEP 440 again: 3.14.0 and no other
        ("==3.14.*,!=3.14.0", "3.14.2"),
        ("~=3.14.1", "3.14.2"),
        ("~=3.14", "3.14.0 3.14.2 3.15.0rc1"),
    ],
)
def test_a_request_matches_the_expected_versions(text: str, matching: str) -> None:
    assert matched(text, "3.12.9 3.14.0 3.14.2 3.15.0rc1") == matching


@unhurried
@given(SPECIFIER_SETS, versions())
def test_comparisons_mean_what_pep_440_says(text: str, version: Version) -> None:
    expected = SpecifierSet(text).contains(str(version), prereleases=True)
    assert VersionRequest.parse(text).matches(version) == expected


@unhurried
@given(SPECIFIER_SETS)
def test_prereleases_are_included_according_to_pep_440(text: str) -> None:
    assert VersionRequest.parse(text).allows_prerelease == bool(SpecifierSet(text).prereleases)


@unhurried
@given(SPECIFIER_SETS, versions())
def test_an_unsatisfiable_range_matches_no_version(text: str, version: Version) -> None:
    request = VersionRequest.parse(text)
    assert request.is_satisfiable or not request.matches(version)


@pytest.mark.parametrize(
    "text",
    [
        *(
            ">=3.13,<3.13",
            ">3.13.2,<=3.13.2",
            "==3.13.1,==3.13.2",
            ">=3.13,<3.14,!=3.13.*",
            "==3.*,<3",
            "~=3.12.1,>3.13",
        ),
        "pypy>=3.11,<3.10+debug",
    ],
)
def test_a_range_that_is_empty_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^no version can satisfy .*: its comparisons exclude each other$"):
        parse_request(text)


@pytest.mark.parametrize(
    "text", [">=3.13,<=3.13", ">3.13,<3.14", ">=3.13.0,!=3.13.0,!=3.13.1,<3.13.3", ">3.14rc1,<=3.14rc2"]
)
def test_a_narrow_range_is_satisfiable(text: str) -> None:
    assert parse_request(text).version.is_satisfiable


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("==3.13", 'version ==3.13 means ==3.13.0 according to PEP 440; for all of 3.13 write "3.13"'),
        ("<=3.13", 'version <=3.13 means <=3.13.0 according to PEP 440; for all of 3.13 write "<3.14"'),
        ("!=3.9", 'version !=3.9 means !=3.9.0 according to PEP 440; for all of 3.9 write "!=3.9.*"'),
        (">3", 'version >3 means >3.0.0 according to PEP 440; for all of 3 write ">=4"'),
    ],
)
def test_requests_that_pep_440_completes_with_zeros_are_noted(text: str, note: str) -> None:
    assert parse_request(text).version.notes == (note,)


@pytest.mark.parametrize("text", ["3.13", ">=3.13,<3.14", "==3.13.*", "==3.13.0", "~=3.13", "==3.13rc1", "<=3.13.2"])
def test_unambiguous_requests_have_no_note(text: str) -> None:
    assert parse_request(text).version.notes == ()


@pytest.mark.parametrize(
    ("text", "allows"), [("3.15", False), ("3.15.0rc1", True), (">=3.15.0a1", True), (">=3.13,!=3.14.0rc1", False)]
)
def test_a_prerelease_is_requested_by_naming_one(text: str, allows: bool) -> None:
    assert parse_request(text).version.allows_prerelease is allows


@pytest.mark.parametrize(
    ("text", "exact"), [("3.14.2", "3.14.2"), ("==3.14", "3.14.0"), ("3.14", None), (">3.1", None)]
)
def test_a_full_version_is_read(text: str, exact: str | None) -> None:
    assert parse_request(text).version.exact == (Version.parse(exact) if exact else None)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("==3.14.*", "3.14"),
        ("==3.14.2", "3.14.2"),
        ("3.15rc1", "3.15.0rc1"),
        ("<3.14,>=3.12", ">=3.12,<3.14"),
        (">=3.12.0,>=3.12", ">=3.12"),
        ("~=3.13.2", ">=3.13.2,==3.13.*"),
        ("==3.15.0.*", "==3.15.0.*"),
        (" 3.14 ", "3.14"),
        ("3.14+freethreaded+debug", "3.14td"),
        ("3.14+debug", "3.14d"),
        (">=3.13+freethreaded", ">=3.13+freethreaded"),
        ("cpython@3.14", "3.14"),
        ("PyPy3.11", "pypy3.11"),
        ("pypy@3.11", "pypy3.11"),
        ("pypy-3.11", "pypy3.11"),
        ("graalpy>=3.11", "graalpy>=3.11"),
        (">=3.13,<3.15t", ">=3.13,<3.15+freethreaded"),
        ("3.14.9+20261021+debug", "3.14.9d+20261021"),
        (
            "cpython-3.14.9+20261021+freethreaded-linux-x86_64-gnu",
            "cpython-3.14.9+20261021+freethreaded-linux-x86_64-gnu",
        ),
        ("pypy3.11.17+8.0.1", "pypy3.11.17+8.0.1"),
        ("3.9.1-linux-powerpc64le-gnu", "cpython-3.9.1-linux-ppc64le-gnu"),
        ("cpython-3.13.5-darwin-aarch64-none", "cpython-3.13.5-macos-aarch64-none"),
    ],
)
def test_spellings_have_one_canonical_form(text: str, canonical: str) -> None:
    assert str(parse_request(text)) == canonical


@unhurried
@given(parsed_requests())
def test_text_and_value_are_inverses(request: ParsedRequest) -> None:
    assert parse_request(str(request)) == request
    assert re.search(REQUEST_PATTERN, str(request))


@pytest.mark.parametrize(
    ("text", "freethreaded", "debug"),
    [("3.14", False, False), ("3.14t", True, False), ("3.14.2d", False, True), ("3.15.0rc1td", True, True)],
)
def test_letters_are_read_as_build_options(text: str, freethreaded: bool, debug: bool) -> None:
    request = parse_request(text)
    assert (request.freethreaded, request.debug) == (freethreaded, debug)


@pytest.mark.parametrize(
    ("text", "target", "cpu"),
    [
        ("cpython-3.13.5+freethreaded-linux-x86_64_v3-gnu", GNU, "v3"),
        ("cpython-3.13.5-linux-x86_64-gnu", GNU, "baseline"),
        ("cpython-3.13.5-linux-x86_64", GNU, "baseline"),
        ("cpython-3.13.5-linux-aarch64-musl", Target.parse("linux-aarch64-musl"), None),
        ("cpython-3.13.5-linux-armv7-gnueabi", Target.parse("linux-armv7-gnueabi"), None),
        ("cpython-3.13.5-linux-riscv64gc-gnu", Target.parse("linux-riscv64"), None),
        ("pypy-3.11.15-windows-x86_64-none", Target.parse("windows-x86_64"), "baseline"),
        ("cpython-3.13.5", None, None),
    ],
)
def test_a_key_of_uv_names_a_machine(text: str, target: Target | None, cpu: str | None) -> None:
    request = parse_request(text)
    assert (request.target, request.cpu) == (target, cpu)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "'' is not a version request such as 3.14"),
        ("314", "did you mean '3.14'?"),
        ("3.14.2.1", "is not a version request"),
        ("3.", "is not a version request"),
        ("3rc1", "is not a version request"),
        ("3.14tt", "is not a version request"),
        ("٣.١٤", "is not a version request"),
        (">=3.12,", "is not a version request"),
        ("===3.14", "is not a version request"),
        ("=3.14", "is not a version request"),
        ("~=3", "is not a version request"),
        (">=3.14.*", "is not a version request"),
        ("==3.14rc1.*", "is not a version request"),
        ("pypy@", "is not a version request"),
        ("jython2.7", "'jython2.7' names an unknown implementation; expected one of cpython, pypy, graalpy"),
        ("pyodide3.13", "'pyodide3.13': Pyodide cannot be locked, as its archives are published without a sha256"),
        ("pyodide@0.28", "without a sha256; known implementations are cpython, pypy, graalpy"),
        ("3.14+pgo", "'pgo' in '3.14+pgo' is not a build such as +20261021, +freethreaded or +debug"),
        ("3.14+20261021+20261022", "'20261022' in '3.14+20261021+20261022' is not a build"),
        ("3.14-linux", "'linux' in '3.14-linux' is not a target such as linux-x86_64-gnu"),
        ("3.14-linux-x86_64_v5-gnu", "is not a target"),
        ("3.14-emscripten-wasm32-musl", "is not a target"),
        ("3.14-windows-x86_64-gnu", "windows has no libc 'gnu'"),
        ("3.14-linux-x86_64-none", "linux has no libc 'none'"),
        ("3" * 201, "at most 200 characters"),
    ],
)
def test_an_invalid_request_is_refused_with_a_reason(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        parse_request(text)


KEYS = [
    key
    for path in sorted(Path(os.environ.get("PROVISION_TEST_DATA", "/nowhere")).rglob("uv-download-metadata-*.zst"))
    for key in json.loads(zstd_module().decompress(path.read_bytes()))
]


@pytest.mark.skipif(not KEYS, reason="PROVISION_TEST_DATA has no metadata of uv")
def test_every_key_that_uv_lists_is_read() -> None:
    """Except those of Pyodide; in the spelling of its metadata, and as `uv python list` prints them."""
    for key in KEYS:
        if "emscripten" in key:
            continue
        request = parse_request(key)
        assert request.target is not None
        assert parse_request(key.replace("-riscv64-", "-riscv64gc-")) == request
        assert re.search(REQUEST_PATTERN, key)
