"""Notices: which changes of a lock are alarms, warnings, or merely worth knowing."""

from __future__ import annotations

import pytest

from provision.lock.lock import Lock, LockedPython
from provision.model.asset import BuildOptions
from provision.model.tree import TreeOptions
from provision.model.value import replace
from provision.review.changes import compare_locks
from provision.review.notices import Notice, find_notices
from tests.lock.samples import asset, digest, python
from tests.review.samples import edited, lock, moved

DEFAULT = python()
URL = DEFAULT.assets[0].url


def found(old: LockedPython | None, new: LockedPython | None, *, upgraded: bool = False) -> list[Notice]:
    sides: list[Lock] = [lock(*([each] if each else [])) for each in (old, new)]
    return list(find_notices(compare_locks(*sides), upgrade_requested=lambda _: upgraded))


def kinds(old: LockedPython | None, new: LockedPython | None) -> set[tuple[str, str]]:
    return {(notice.severity, notice.kind) for notice in found(old, new)}


def test_other_bytes_under_the_same_name_are_an_alarm() -> None:
    after = edited(DEFAULT, sha256=digest("other"))
    assert kinds(DEFAULT, after) == {("alarm", "bytes")}
    assert kinds(DEFAULT, replace(after, request=digest("asked otherwise"))) == {("alarm", "bytes")}


def test_the_same_bytes_under_another_version_are_an_alarm() -> None:
    after = moved(DEFAULT, "3.14.8+20260901")
    after = edited(after, sha256=DEFAULT.assets[0].sha256)
    assert ("alarm", "bytes") in kinds(DEFAULT, after)


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("githab.com", "can be taken for github.com"),
        ("github.com.evil.example", "can be taken for github.com"),
        ("evil.example", "comes from evil.example"),
    ],
)
def test_another_host_is_an_alarm(host: str, words: str) -> None:
    (notice,) = found(DEFAULT, edited(DEFAULT, url=URL.replace("example.com", host)))
    assert (notice.severity, notice.kind) == ("alarm", "host")
    assert words in notice.message
    assert notice.where == "default, macos-aarch64"


def test_another_release_page_on_the_same_host_is_an_alarm() -> None:
    upstream = "https://github.com/astral-sh/python-build-standalone/releases/download/20260814/x.tar.gz"
    before = edited(DEFAULT, url=upstream)
    assert kinds(before, edited(DEFAULT, url=upstream.replace("astral-sh", "astra1-sh"))) == {("alarm", "origin")}


def test_an_added_entry_on_a_new_host_is_a_warning_or_an_alarm() -> None:
    assert kinds(None, DEFAULT) == {("warning", "new-host")}
    alike = python(asset(url=asset().url.replace("example.com", "glthub.com")))
    assert ("alarm", "new-host") in kinds(None, alike)
    beside = find_notices(compare_locks(lock(DEFAULT), lock(DEFAULT, python(name="beside"))))
    assert beside == ()


def test_a_file_name_that_contradicts_its_entry_is_an_alarm() -> None:
    free = asset(options="freethreaded+pgo+lto")
    (notice,) = found(python(asset()), python(replace(asset(), url=free.url, sha256=free.sha256)))[:1]
    assert ("alarm", "misnamed") in kinds(python(asset()), python(replace(asset(), url=free.url, sha256=free.sha256)))
    assert notice.severity == "alarm"


@pytest.mark.parametrize("name", ["3.14.6+20260901", "3.14.7+20260701"])
def test_a_downgrade_is_an_alarm_unless_the_request_changed(name: str) -> None:
    after = moved(DEFAULT, name)
    assert kinds(DEFAULT, after) == {("alarm", "downgrade")}
    assert kinds(DEFAULT, replace(after, request=digest("3.14.6"))) == {("warning", "downgrade")}


def test_an_upgrade_is_a_notice_unless_it_was_requested() -> None:
    after = moved(DEFAULT, "3.14.8+20260901")
    assert kinds(DEFAULT, after) == {("notice", "upgraded")}
    assert found(DEFAULT, after, upgraded=True) == []
    assert kinds(DEFAULT, replace(after, request=digest("3.14.8"))) == set()


def test_another_abi_under_the_same_request_is_an_alarm() -> None:
    free = LockedPython.of("default", DEFAULT.request, [asset(options="freethreaded+pgo+lto")], TreeOptions())
    assert ("alarm", "variant") in kinds(LockedPython.of("default", DEFAULT.request, [asset()], TreeOptions()), free)
    pypy = LockedPython.of("default", DEFAULT.request, [asset("3.11.13+7.3.9", implementation="pypy")], TreeOptions())
    assert ("alarm", "variant") in kinds(DEFAULT, pypy)


def test_tree_options_under_the_same_request_are_an_alarm() -> None:
    after = replace(DEFAULT, tree=TreeOptions(without=("tests",)))
    assert kinds(DEFAULT, after) == {("alarm", "tree")}
    assert kinds(DEFAULT, replace(after, request=digest("without tests"))) == set()


def test_other_changes_under_the_same_request_are_warnings() -> None:
    fewer = replace(DEFAULT, assets=DEFAULT.assets[1:])
    assert kinds(DEFAULT, fewer) == {("warning", "unasked")}
    slower = edited(DEFAULT, options=BuildOptions.parse("noopt"), sha256=digest("slower"))
    assert kinds(DEFAULT, slower) == {("warning", "unasked")}
    full = [asset(target=row.target.short, options=str(row.options), flavor="full") for row in DEFAULT.assets]
    assert kinds(DEFAULT, LockedPython.of("default", DEFAULT.request, full, TreeOptions())) == {("warning", "unasked")}


def test_a_prerelease_is_a_warning() -> None:
    after = replace(moved(DEFAULT, "3.15.0rc1+20260901"), request=digest("3.15"))
    assert kinds(DEFAULT, after) == {("warning", "prerelease")}
    assert ("warning", "prerelease") in kinds(None, after)


def test_metadata_that_changed_for_the_same_digest_is_a_warning() -> None:
    after = edited(DEFAULT, published="2020-01-01T00:00:00Z")
    assert kinds(DEFAULT, after) == {("warning", "metadata")}


def test_the_most_severe_come_first() -> None:
    old = lock(python(name="a"), python(name="b"))
    new = lock(moved(python(name="a"), "3.14.8+20260901"), edited(python(name="b"), sha256=digest("other")))
    assert [notice.entry for notice in find_notices(compare_locks(old, new))] == ["b", "a"]
