"""The checks of an audit: the right code on the right line, over real locks and the bundled catalog."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.lock.lock import Lock, LockedPython
from provision.lock.read import parse_lock
from provision.lock.resolve import resolve
from provision.lock.staleness import stale_entries
from provision.lock.write import format_lock
from provision.manifest.keys import IgnoreRule, Policy
from provision.manifest.manifest import Manifest
from provision.model.asset import BuildOptions
from provision.model.value import replace
from provision.review.codes import AUDIT_CODES
from tests.lock.edits import CUSTOM_REQUESTS, CUSTOM_URL, REQUESTS, edited, resolved, with_rows
from tests.lock.samples import asset, catalog, python
from tests.review.auditing import UPSTREAM, audited, codes
from tests.review.tampering import (
    BUILD,
    CASES,
    CLEAN,
    DEFAULT,
    GNU,
    HASH,
    HOST,
    NEXT_BUILD,
    VERSION,
    ZEROS,
    Tampered,
    entry_of,
    line_of,
    locked,
    manifest,
    row,
    value,
)


def test_a_lock_as_provision_wrote_it_has_no_errors() -> None:
    assert [finding for finding in audited(CLEAN, manifest()).findings if finding.severity == "error"] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what.replace(" ", "-"))
def test_a_tampered_lock_is_found_on_the_right_line(case: Tampered) -> None:
    text = case.change(CLEAN)
    found = [each for each in audited(text, manifest()).findings if each.code == case.code]
    assert line_of(text, case.line, within=case.within) in {each.line for each in found}
    if AUDIT_CODES[case.code].severity == "error":
        assert audited(text, manifest()).errors


def test_one_url_with_two_hashes_is_an_error() -> None:
    asked = manifest('a = "3.13"\nb = "3.13"')
    text = locked(asked)
    second = row(text, "b", GNU)
    text = text.replace(entry_of(text, "b"), entry_of(text, "b").replace(value(second, "sha256"), ZEROS))
    found = audited(text, asked).findings
    assert {(each.code, each.line) for each in found if each.severity == "error"} == {
        (code, line_of(text, ZEROS)) for code in ("PV001", "PV019")
    }


_LEVELS = 'default = { version = "3.12.11", build = "20250818", cpu = "auto" }'


@pytest.mark.parametrize(
    ("entries", "locked_as", "code", "key"),
    [
        ('default = "3.13"', 'default = "3.13.1"', "PV013", "version ="),
        ('default = ">=3.9"', 'default = "3.9"', "PV012", "version ="),
        ('default = "3.13"', 'default = "3.12"', "PV017", "version ="),
        ('default = { version = "3.13.7", build = "20250818" }', 'default = "3.13.7"', "PV017", "build ="),
        ('default = { version = "3.13", flavor = "full" }', 'default = "3.13"', "PV017", "flavor ="),
        ('default = "3.15"', 'default = "3.15.0rc1"', "PV015", "version ="),
        ('default = "3.13"', 'default = "3.13t"', "PV017", "[[python.asset]]"),
        ('default = "3.12.11"', _LEVELS, "PV017", 'cpu = "v3"'),
        ('default = { version = "3.13", targets = ["macos-aarch64"] }', 'default = "3.13"', "PV017", GNU),
    ],
)
def test_real_assets_for_another_request_are_found(entries: str, locked_as: str, code: str, key: str) -> None:
    """All rows are upstream's own, and the request's digest is forged, as anyone can do."""
    asked, other = manifest(entries), manifest(locked_as)
    text = locked(other)
    honest = locked(asked)
    text = text.replace(re.findall("sha256:[0-9a-f]+", text)[0], re.findall("sha256:[0-9a-f]+", honest)[0])
    found = audited(text, asked).findings
    assert (code, line_of(text, key, within='name = "default"')) in {(each.code, each.line) for each in found}


def test_size_and_time_of_publication_are_compared_with_the_catalog() -> None:
    known = asset("3.13.5+20250702", size=100, published="2025-07-02T00:00:00Z")
    text = format_lock(Lock(pythons=(entry(size=99, published="2020-01-01T00:00:00Z"),)))
    rules = Policy(allow_hosts=("example.com",))
    found = audited(text, None, upstream=catalog(known), policy=rules).findings
    assert [(each.code, each.line) for each in found] == [
        ("PV020", line_of(text, "size =")),
        ("PV021", line_of(text, "published =")),
    ]


def entry(**values: object) -> LockedPython:
    return python(replace(asset("3.13.5+20250702"), **values))


OWN = asset(
    "3.13.5+20250702", url="https://github.com/our/releases/download/20250702/" + asset("3.13.5+20250702").filename
)


def test_a_custom_archive_needs_an_allowed_host() -> None:
    text = format_lock(Lock(pythons=(entry(url=OWN.url, sha256=OWN.sha256),)))
    own = catalog(OWN, as_of="")
    assert codes(audited(text, None, upstream=UPSTREAM)) == {"PV001", "PV009"}
    stranger = replace(OWN, url=OWN.url.replace("cpython-3.13.5", "cpython-3.13.99"))
    text = text.replace("3.13.5", "3.13.99")
    assert codes(audited(text, None)) == {"PV008"}
    own = catalog(replace(stranger, version=parse_lock(text, "x").lock.pythons[0].version), as_of="")
    assert codes(audited(text, None, own=own)) == {"PV009"}
    assert codes(audited(text, None, own=own, policy=Policy(allow_hosts=("github.com",)))) == set()


def test_an_archive_that_the_manifest_names_needs_an_allowed_host_and_its_pinned_digest() -> None:
    place = "https://archives.example.com/20250702/python.tar.gz"
    table = f'url = {{ linux-x86_64 = "{place}" }}\nsha256 = {{ linux-x86_64 = "{ZEROS}" }}'
    asked = manifest(f'[pythons.default]\nversion = "3.13.5"\n{table}')
    text = format_lock(resolve(asked, catalog(), None, host=HOST).lock)
    assert codes(audited(text, asked)) == {"PV007"}
    rules = Policy(allow_hosts=("*.example.com",))
    assert codes(audited(text, asked, policy=rules)) == set()
    assert codes(
        audited(text.replace(f'sha256 = "{ZEROS}', 'sha256 = "' + "1" * 64)[: len(text)], asked, policy=rules)
    ) == {"PV001"}
    assert "PV017" in codes(audited(text.replace("/20250702/", "/20250703/"), asked, policy=rules))


def test_digests_are_compared_with_upstreams_checksums() -> None:
    release = BUILD
    sums = {asset.filename: asset.sha256.hex for each in parse_lock(CLEAN, "x").lock.pythons for asset in each.assets}
    assert codes(audited(CLEAN, manifest(), checksums={release: sums})) == set()
    wrong = dict.fromkeys(sums, ZEROS)
    assert codes(audited(CLEAN, manifest(), checksums={release: wrong})) == {"PV001"}
    assert codes(audited(CLEAN, manifest(), checksums={release: {}})) == {"PV008"}
    none = audited(CLEAN, manifest(), checksums={release: None})
    assert codes(none) == set()
    (message,) = {each.message for each in none.findings if each.code == "PV025"}
    assert message == f"release {release} has no SHA256SUMS; the sha256 was compared with upstream's catalog only"


def test_an_archive_in_no_catalog_is_reported_if_its_checksums_are_missing() -> None:
    """The release exists, its SHA256SUMS does not: nothing was compared."""
    text = CLEAN.replace(BUILD, NEXT_BUILD)
    assert codes(audited(text, None)) == set()
    none = audited(text, None, checksums={NEXT_BUILD: None})
    assert codes(none) == {"PV008"}
    assert all("the sha256 was not compared" in each.message for each in none.findings if each.code == "PV008")
    other = {"SHA256SUMS": ZEROS}
    assert codes(audited(text, None, checksums={NEXT_BUILD: other})) == {"PV008"}
    sums = {row.filename: row.sha256.hex for each in parse_lock(text, "x").lock.pythons for row in each.assets}
    assert codes(audited(text, None, checksums={NEXT_BUILD: sums})) == set()


@pytest.mark.parametrize("tag", ["20991231", "20269999", "2026121", "99999999999"])
def test_a_release_of_a_future_date_is_unknown(tag: str) -> None:
    assert "PV008" in codes(audited(CLEAN.replace(BUILD, tag), None))


@pytest.mark.parametrize("host", ["githab.com", "github.com.evil.example", "github.com:8443"])
def test_no_hint_suggests_to_allow_a_host_that_resembles_a_known_one(host: str) -> None:
    url = value(DEFAULT, "url").replace("github.com", host)
    found = audited(CLEAN.replace(value(DEFAULT, "url"), url), manifest()).findings
    about = [each for each in found if each.severity == "error"]
    assert {"PV007", "PV009"} <= {each.code for each in about}
    assert not [each for each in about if "allow" in each.fix]
    assert {each.url for each in about} == {url}


def test_the_hint_for_an_unknown_host_is_to_check_it_before_allowing_it() -> None:
    url = value(DEFAULT, "url").replace("github.com", "archives.example.com")
    found = audited(CLEAN.replace(value(DEFAULT, "url"), url), manifest()).findings
    (finding,) = (each for each in found if each.code == "PV007")
    assert finding.fix.startswith("Compare the URL with the change to pythons.toml.")
    assert finding.shown_url == url


def test_without_checksums_custom_archives_are_compared_with_the_manifest() -> None:
    url = value(DEFAULT, "url").replace(BUILD, NEXT_BUILD)
    table = f'url = {{ linux-x86_64 = "{url}" }}\nsha256 = {{ linux-x86_64 = "{HASH}" }}'
    asked = manifest(f'[pythons.default]\nversion = "{VERSION}"\n{table}')
    text = format_lock(resolve(asked, catalog(), None, host=HOST).lock)
    found = audited(text, asked, checksums={NEXT_BUILD: None}, policy=Policy(allow_hosts=("github.com",)))
    (message,) = {each.message for each in found.findings if each.code == "PV025"}
    assert message.endswith("the sha256 was compared with the manifest only")


def test_findings_can_be_ignored_with_a_reason() -> None:
    asked = manifest(
        'default = "3.9"', policy='[policy]\nignore = [{ code = "PV012", reason = "until the migration" }]'
    )
    found = audited(locked(asked), asked)
    assert "PV012" not in {each.code for each in found.findings}
    assert [(each.finding.code, each.reason) for each in found.ignored] == [("PV012", "until the migration")]
    rules = Policy(ignore=(IgnoreRule(code="PV001", reason="x"),))
    unused = [each for each in audited(CLEAN, manifest(), policy=rules).findings if each.code == "PV026"]
    assert [(each.file, each.severity) for each in unused] == [("policy.toml", "note")]


def test_assets_are_checked_without_a_manifest() -> None:
    assert codes(audited(CLEAN, None)) == set()
    assert codes(audited(CLEAN.replace(HASH, ZEROS), None)) == {"PV001"}


# The codes of an entry that does not match its request; PV001 also stands for a catalog with another sha256.
MISMATCH_CODES = {"PV001", "PV010", "PV011", "PV015", "PV016", "PV017"}


def mismatched_entries(asked: Manifest, python: LockedPython) -> set[str]:
    """The entries that do not match their requests, by an audit without catalog and policy."""
    found = audited(format_lock(Lock(pythons=(python,))), asked, upstream=catalog(), policy=Policy())
    return {each.entry for each in found.findings if each.code in MISMATCH_CODES}


@given(st.data())
def test_lock_check_and_audit_find_the_same_entries(data: st.DataObject) -> None:
    """Except for a lock that only lacks this machine, where no targets are declared: it is right for others."""
    asked, python = resolved(*data.draw(st.sampled_from((*REQUESTS, *CUSTOM_REQUESTS))))
    python = data.draw(edited(python))
    stale = stale_entries(asked, Lock(pythons=(python,)), HOST)
    assert mismatched_entries(asked, python) == {each.name for each in stale if each.kind != "incomplete"}


def with_row(python: LockedPython, **changes: object) -> LockedPython:
    return with_rows(python, [*python.assets, replace(python.assets[0], **changes)])


def at_baseline(python: LockedPython) -> LockedPython:
    return with_rows(python, [replace(python.assets[0], cpu="baseline")])


def without_baseline(python: LockedPython) -> LockedPython:
    return with_rows(python, [row for row in python.assets if row.target != HOST or row.cpu != "baseline"])


def with_url(python: LockedPython, url: str) -> LockedPython:
    return with_rows(python, [replace(python.assets[0], url=url)])


STRICT, PREFERRED = REQUESTS[3], REQUESTS[4]


@pytest.mark.parametrize(
    ("request_", "edit", "told"),
    [
        (
            STRICT,
            lambda each: with_row(each, cpu="baseline"),
            ["PV017 the manifest requests CPU level v3, the lock file has baseline"],
        ),
        (
            PREFERRED,
            lambda each: with_rows(each, [*each.assets, replace(each.assets[1], cpu="baseline")]),
            ["PV017 the manifest requests CPU level v3, the lock file has baseline"],
        ),
        (
            REQUESTS[2],
            without_baseline,
            ["PV010 linux-x86_64 is not locked for baseline"],
        ),
        (CUSTOM_REQUESTS[0], lambda each: with_url(each, CUSTOM_URL.format("a%2Bb.tar.gz")), []),
        (
            CUSTOM_REQUESTS[0],
            lambda each: with_row(each, cpu="v3"),
            ["PV017 the manifest requests CPU level baseline, the lock file has v3"],
        ),
        (
            CUSTOM_REQUESTS[1],
            at_baseline,
            ["PV010 linux-x86_64 is not locked for v3"],
        ),
        (CUSTOM_REQUESTS[3], lambda each: each, []),
    ],
)
def test_the_audit_and_the_staleness_check_agree_on_levels_and_urls(
    request_: tuple[str, str], edit: Callable[[LockedPython], LockedPython], told: list[str]
) -> None:
    asked, python = resolved(*request_)
    python = edit(python)
    found = audited(format_lock(Lock(pythons=(python,))), asked, upstream=catalog(), policy=Policy()).findings
    assert [f"{each.code} {each.message}" for each in found if each.code in MISMATCH_CODES] == told
    assert bool(stale_entries(asked, Lock(pythons=(python,)), HOST)) == bool(told)


def test_an_archive_known_upstream_must_have_the_sha256_of_the_manifest() -> None:
    known = asset("3.14.7+20260814")
    entry = f'{{ version = "3.14.7", url.linux-x86_64 = "{known.url}", sha256.linux-x86_64 = "{ZEROS}" }}'
    asked, python = resolved(entry, "")
    python = with_rows(python, [replace(python.assets[0], sha256=known.sha256)])
    found = audited(format_lock(Lock(pythons=(python,))), asked, upstream=catalog(known), policy=Policy()).findings
    assert [each.message for each in found if each.code == "PV001"] == [
        f"{known.filename} has sha256 {ZEROS} in the manifest, not {known.sha256}"
    ]
    assert stale_entries(asked, Lock(pythons=(python,)), HOST)


@pytest.mark.parametrize("which", [0, 3])
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"flavor": "full"}, "flavor"),
        ({"build": "20250101"}, "build"),
        ({"options": BuildOptions.parse("debug")}, "build with debug"),
        ({"options": BuildOptions.parse("freethreaded+pgo+lto")}, "build with freethreaded"),
    ],
)
def test_properties_that_a_custom_request_leaves_open_are_compared_by_both(
    which: int, changes: dict[str, Any], told: str
) -> None:
    asked, python = resolved(*CUSTOM_REQUESTS[which])
    assert stale_entries(asked, Lock(pythons=(python,)), HOST) == ()
    python = with_rows(python, [replace(row, **changes) for row in python.assets])
    (stale,) = stale_entries(asked, Lock(pythons=(python,)), HOST)
    assert stale.kind == "contradictory"
    text = format_lock(Lock(pythons=(python,)))
    messages = [each.message for each in audited(text, asked, upstream=catalog()).findings if each.code == "PV017"]
    assert [message for message in messages if told in message]
