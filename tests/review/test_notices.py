"""Notices: which changes of a lock are alarms, warnings, or just notices."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from provision.catalog.pbs import PUBLISHERS
from provision.catalog.snapshot import bundled_snapshot
from provision.cli.console import Console
from provision.cli.present.diff import diff_lines
from provision.lock.lock import Lock, LockedPython
from provision.model.asset import Asset, BuildOptions
from provision.model.tree import TreeOptions
from provision.model.value import replace
from provision.review.changes import compare_locks
from provision.review.diff_formats import diff_annotations, diff_document
from provision.review.diff_markdown import markdown_comment
from provision.review.diff_page import html_page
from provision.review.notices import Notice, find_notices
from provision.url import release_base
from tests.lock.samples import asset, digest, python
from tests.review.samples import edited, lock, moved, review

DEFAULT = python()
URL = DEFAULT.assets[0].url


def found(old: LockedPython | None, new: LockedPython | None, *, upgraded: bool = False) -> list[Notice]:
    sides: list[Lock] = [lock(*([each] if each else [])) for each in (old, new)]
    return list(find_notices(compare_locks(*sides), upgrade_requested=lambda _: upgraded))


def kinds(old: LockedPython | None, new: LockedPython | None) -> set[tuple[str, str]]:
    return {(notice.severity, notice.kind) for notice in found(old, new)}


def test_another_sha256_under_the_same_name_is_an_alarm() -> None:
    after = edited(DEFAULT, sha256=digest("other"))
    assert kinds(DEFAULT, after) == {("alarm", "bytes")}
    assert kinds(DEFAULT, replace(after, request=digest("asked otherwise"))) == {("alarm", "bytes")}


def test_the_same_sha256_under_another_version_is_an_alarm() -> None:
    after = moved(DEFAULT, "3.14.8+20260901")
    after = edited(after, sha256=DEFAULT.assets[0].sha256)
    assert ("alarm", "bytes") in kinds(DEFAULT, after)


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("githab.com", "download host changed from example.com to githab.com (resembles github.com)"),
        ("github.com.evil.example", "(resembles github.com)"),
        ("evil.example", "to evil.example"),
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


PBS = "https://github.com/astral-sh/python-build-standalone/releases/download/20260814"
FORK = PBS.replace("astral-sh", "evil")


def at(place: str, **values: Any) -> Asset:
    """An asset with its own file name at another place."""
    made = asset(**values)
    return replace(made, url=f"{place}/{made.url.rpartition('/')[2]}")


def origins(old: LockedPython | None, new: LockedPython | None) -> set[tuple[str, str, tuple[str, ...]]]:
    return {(each.severity, each.kind, each.urls) for each in found(old, new) if each.kind in ("origin", "new-host")}


def test_an_added_entry_of_its_publisher_is_not_an_alarm() -> None:
    assert found(None, python(at(PBS))) == []


@pytest.mark.parametrize(
    "place",
    [
        FORK,
        "https://github.com/evil/python-build-standalone/raw/20260814",
        "https://raw.githubusercontent.com/evil/x/20260814",
        "https://objects.githubusercontent.com/x",
        "https://github.com/oracle/graalpython/releases/download/20260814",
    ],
)
def test_an_added_entry_of_another_publisher_on_a_known_host_is_an_alarm_with_its_url(place: str) -> None:
    added = python(at(place))
    assert origins(None, added) == {("alarm", "origin", (added.assets[0].url,))}


def test_an_added_platform_or_level_of_another_publisher_is_an_alarm() -> None:
    before = python(at(PBS))
    for more in (at(FORK, target="macos-aarch64"), at(FORK, cpu="v3")):
        after = LockedPython.of(before.name, before.request, [*before.assets, more], TreeOptions())
        assert origins(before, after) == {("alarm", "origin", (more.url,))}


def test_another_implementation_of_another_publisher_is_an_alarm() -> None:
    before = python(
        replace(asset("3.11.13+7.3.9", implementation="pypy"), url="https://downloads.python.org/pypy/p.tar.gz")
    )
    after = replace(python(at(FORK)), request=digest("other"))
    assert ("alarm", "origin", (after.assets[0].url,)) in origins(before, after)
    assert origins(before, replace(python(at(PBS)), request=digest("other"))) == set()


def test_an_added_entry_of_a_new_origin_on_a_host_that_is_in_use_is_a_warning() -> None:
    other = python(at("https://example.com/elsewhere/20260814"), name="more")
    (notice,) = find_notices(compare_locks(lock(DEFAULT), lock(DEFAULT, other)))
    assert (notice.severity, notice.kind, notice.urls) == ("warning", "origin", (other.assets[0].url,))


def test_every_alarm_has_the_urls_of_its_archives() -> None:
    older = moved(DEFAULT, "3.14.6+20260901")
    for after in (
        edited(DEFAULT, sha256=digest("other")),
        older,
        replace(DEFAULT, tree=TreeOptions(without=("tests",))),
    ):
        (notice,) = found(DEFAULT, after)
        about = [each.new for each in notice.changes] or list(after.assets)
        assert notice.severity == "alarm"
        assert notice.urls == tuple(each.url for each in about if each)
        assert notice.urls


@pytest.mark.parametrize("style", ["text", "markdown", "html", "github", "json"])
def test_every_format_shows_the_url_of_an_alarm(style: str) -> None:
    added = python(at(FORK))
    shown = review(None, lock(added))
    formats: dict[str, Callable[[], str]] = {
        "text": lambda: "\n".join(diff_lines(shown, Console(), width=80)),
        "markdown": lambda: markdown_comment(shown),
        "html": lambda: html_page(shown),
        "github": lambda: "\n".join(diff_annotations(shown)),
        "json": lambda: json.dumps(diff_document(shown)["notices"]),
    }
    url = added.assets[0].url
    assert url in formats[style]().replace("%25", "%")


def test_the_publishers_are_those_of_the_bundled_catalog() -> None:
    known = {(each.implementation, release_base(each.url)) for each in bundled_snapshot().all_assets()}
    assert known == set(PUBLISHERS.items())


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
