"""A review: its headline, and its table of rows, one for a change that is the same on several targets."""

from __future__ import annotations

from provision.lock.lock import Lock, LockedPython
from provision.model.tree import TreeOptions
from provision.model.value import replace
from provision.review.review import Review, ReviewRow, headline, review_rows, rows_by_entry
from tests.lock.samples import asset, digest, python
from tests.review.samples import edited, lock, moved, review

DEFAULT = python()


def table(old: Lock | None, new: Lock | None, *, single: bool = False) -> list[tuple[str, str, str, str, str]]:
    """Mark, change, before, after and targets of each row."""
    found = review_rows(review(old, new).diff, single=single)
    return [(row.mark, row.change, row.before, row.after, row.where) for row in found]


def changed(before: LockedPython, after: LockedPython) -> list[tuple[str, str, str, str, str]]:
    return table(lock(before), lock(after))


def test_the_headline_counts_entries_and_serious_notices() -> None:
    old = lock(DEFAULT, python(name="went"), python(name="wrong"))
    new = lock(moved(DEFAULT, "3.14.8+20260901"), python(name="came"), edited(python(name="wrong"), sha256=digest("x")))
    assert headline(review(old, new)) == "2 entries changed, 1 added, 1 removed; 1 alarm"
    assert headline(review(old, old)) == "no differences"
    assert headline(review(None, lock())) == "an empty lock"
    assert headline(review(Lock(version="1.0"), Lock(version="1.1"))) == "the format version changed"


def test_an_upgrade_is_one_row_for_all_targets() -> None:
    after = moved(DEFAULT, "3.14.8+20260901")
    assert changed(DEFAULT, after) == [("~", "version up", "3.14.7+20260814", "3.14.8+20260901", "all")]


def test_a_change_on_one_target_names_the_target() -> None:
    after = edited(DEFAULT, sha256=digest("other"))
    ((mark, change, before, new, where),) = changed(DEFAULT, after)
    assert (mark, change, where) == ("~", "sha256 only", "macos-aarch64")
    assert before == f"{DEFAULT.assets[0].sha256.hex[:12]}…"
    assert new == f"{digest('other').hex[:12]}…"


def test_all_means_every_target_of_the_entry() -> None:
    before = python(asset(), asset(target="macos-aarch64"))
    host = [replace(row, url=row.url.replace("example.com", "example.net")) for row in before.assets]
    assert [(row[1], row[-1]) for row in changed(before, python(*host))] == [("host", "all")]
    more = python(*host, asset(target="windows-x86_64", options="pgo"))
    assert [(row[1], row[-1]) for row in changed(before, more)] == [
        ("host", "macos-aarch64, linux-x86_64"),
        ("platform added", "windows-x86_64"),
    ]


def test_added_and_removed_levels_and_targets_are_listed() -> None:
    before, after = python(asset(), asset(cpu="v2")), python(asset(), asset(cpu="v3"), asset(target="macos-aarch64"))
    words = "3.14.7+20260814 pgo+lto install_only_stripped"
    assert changed(before, after) == [
        ("+", "platform added", "", words, "macos-aarch64"),
        ("-", "level removed", words, "", "linux-x86_64 v2"),
        ("+", "level added", "", words, "linux-x86_64 v3"),
    ]


def test_changes_of_tree_options_and_request_belong_to_the_entry() -> None:
    after = replace(DEFAULT, tree=TreeOptions(bytecode=True), request=digest("other"))
    assert [(change, where) for _, change, _, _, where in changed(DEFAULT, after)] == [
        ("tree options", "all"),
        ("request", "all"),
    ]


def test_an_added_entry_is_shown_by_shared_properties_or_asset_by_asset() -> None:
    both = python(asset(), asset(target="macos-aarch64"))
    assert [row[-1] for row in table(None, lock(both))] == ["macos-aarch64, linux-x86_64"]
    single = table(None, lock(both), single=True)
    assert [row[-1] for row in single] == ["macos-aarch64", "linux-x86_64"]
    assert all("example.com" in after for _, _, _, after, _ in single)


def test_sizes_are_shown_if_all_are_known() -> None:
    (row,) = review_rows(review(None, lock(python(asset(size=5), asset(target="macos-aarch64", size=6)))).diff)
    assert row.size == 11
    (row,) = review_rows(review(None, lock(python(asset(size=5), asset(target="macos-aarch64")))).diff)
    assert row.size is None


def test_rows_by_entry_are_the_same_rows() -> None:
    found: Review = review(lock(DEFAULT), replace(lock(moved(DEFAULT, "3.14.8+20260901")), version="1.1"))
    rows: dict[str, list[ReviewRow]] = rows_by_entry(found.diff)
    assert list(rows) == ["lock-version", "default"]
    assert [row for each in rows.values() for row in each] == list(review_rows(found.diff))
