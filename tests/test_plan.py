"""What a sync does, as a function of what is requested and what exists."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from provision.model.asset import Digest
from provision.model.target import KNOWN_TARGETS
from provision.plan import Install, Inventory, Keep, Link, Plan, Remove, Selected, Unlink, plan_document, plan_sync
from tests.model.samples import asset

LOCK = Digest("00" * 32)
NAMES = ("a", "b", "c", "d")


def selected(name: str, content: str = "ab", *, foreign: bool = False) -> Selected:
    return Selected(name=name, asset=asset(sha256=Digest(content * 32)), foreign=foreign)


def applied(plan: Plan, before: Inventory) -> Inventory:
    """What exists after a plan was executed."""
    installed = {*before.installed, *(action.selected.key for action in plan.installs())}
    links = dict(before.links)
    for action in plan.actions:
        match action:
            case Link(selected=one):
                links[one.name] = one.key
            case Unlink(name=name):
                del links[name]
            case Remove(key=key):
                installed.discard(key)
    return Inventory(installed=frozenset(installed), links=links)


def test_a_missing_tree_is_installed_and_linked() -> None:
    one = selected("one")
    plan = plan_sync([one], Inventory(links={}), lock=LOCK)
    assert plan.actions == (Install(selected=one, names=("one",), cached=False), Link(selected=one, previous=None))
    assert not plan.is_empty
    assert plan.downloads() == (one.asset,)


def test_an_installed_and_linked_tree_is_kept() -> None:
    one = selected("one")
    plan = plan_sync([one], Inventory(installed=frozenset({one.key}), links={"one": one.key}), lock=LOCK)
    assert plan.actions == (Keep(selected=one),)
    assert plan.is_empty


def test_two_entries_of_one_tree_install_it_once() -> None:
    plan = plan_sync([selected("one"), selected("two")], Inventory(links={}), lock=LOCK)
    (install,) = plan.installs()
    assert install.names == ("one", "two")


def test_a_cached_archive_is_not_downloaded() -> None:
    one = selected("one")
    plan = plan_sync([one], Inventory(cached=frozenset({one.asset.sha256}), links={}), lock=LOCK)
    assert plan.downloads() == ()


def test_a_damaged_tree_is_installed_again() -> None:
    one = selected("one")
    plan = plan_sync([one], Inventory(damaged=frozenset({one.key}), links={"one": one.key}), lock=LOCK)
    assert plan.actions == (Install(selected=one, names=("one",), cached=False, damaged=True),)


def test_a_changed_entry_is_linked_again_and_has_its_previous_key() -> None:
    one = selected("one")
    plan = plan_sync([one], Inventory(installed=frozenset({one.key}), links={"one": "old"}), lock=LOCK)
    assert plan.actions == (Link(selected=one, previous="old"),)


def test_links_without_an_entry_are_removed_unless_entries_were_named() -> None:
    inventory = Inventory(links={"gone": "old"})
    assert plan_sync([], inventory, lock=LOCK).actions == (Unlink(name="gone"),)
    assert plan_sync([], inventory, lock=LOCK, partial=True).actions == ()


def test_trees_are_removed_only_on_request_and_never_the_selected_ones() -> None:
    one = selected("one")
    inventory = Inventory(installed=frozenset({one.key}), links={"one": one.key}, removable=(one.key, "old"))
    assert plan_sync([one], inventory, lock=LOCK).is_empty
    assert plan_sync([one], inventory, lock=LOCK, prune=True).actions[-1] == Remove(key="old")


def test_foreign_trees_are_not_linked() -> None:
    one = selected("one", foreign=True)
    plan = plan_sync([one], Inventory(links={}), lock=LOCK, partial=True)
    assert [type(action) for action in plan.actions] == [Install]


@given(
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(("aa", "bb", "cc"))),
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(("aa", "bb", "cc"))),
    st.sets(st.sampled_from(("aa", "bb", "cc"))),
)
def test_after_a_plan_was_carried_out_a_new_plan_is_empty(
    wanted: dict[str, str], linked: dict[str, str], installed: set[str]
) -> None:
    selection = [selected(name, content) for name, content in wanted.items()]
    before = Inventory(
        installed=frozenset(selected("", content).key for content in installed),
        links={name: selected(name, content).key for name, content in linked.items()},
    )
    plan = plan_sync(selection, before, lock=LOCK)
    after = plan_sync(selection, applied(plan, before), lock=LOCK)
    assert after.is_empty
    assert len(after.actions) == len(selection)


def test_the_document_counts_what_the_plan_does() -> None:
    one, two = (
        selected("one"),
        Selected(
            name="two", asset=asset(sha256=Digest("cd" * 32), size=10, target=KNOWN_TARGETS["x86_64-apple-darwin"])
        ),
    )
    document = plan_document(plan_sync([one, two], Inventory(links={"gone": "old"}), lock=LOCK))
    assert document["summary"] == {
        "keep": 0,
        "install": 2,
        "link": 2,
        "unlink": 1,
        "remove": 0,
        "downloads": 2,
        "download-bytes": 10,
        "downloads-of-unknown-size": 1,
    }
    assert document["empty"] is False
