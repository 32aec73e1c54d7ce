"""Names of a tree: each is taken once, nothing is under a file or a link, and no link leads out of the tree."""

from __future__ import annotations

import pytest

from provision.unpack.limits import ArchiveRefused
from provision.unpack.taken_names import Collision, TakenNames


@pytest.fixture
def names() -> TakenNames:
    return TakenNames(case_insensitive=False, most=1000)


@pytest.fixture
def case_insensitive() -> TakenNames:
    return TakenNames(case_insensitive=True, most=1000)


def linked(names: TakenNames, **links: str) -> TakenNames:
    for path, target in links.items():
        names.take(path.replace("__", "/"), "link", target)
    return names


def test_a_taken_name_also_takes_its_directories(names: TakenNames) -> None:
    assert names.take("lib/python3.13/os.py", "file") == "lib/python3.13/os.py"
    assert names.kind_at("lib") == names.kind_at("lib/python3.13") == "dir"
    assert names.file("lib/python3.13/os.py") == "lib/python3.13/os.py"
    assert names.file("lib") is names.file("nothing") is None


@pytest.mark.parametrize("second", ["file", "link", "dir"])
def test_a_name_cannot_be_taken_twice(names: TakenNames, second: str) -> None:
    names.take("a/b", "file")
    with pytest.raises(ArchiveRefused, match="member 'a/b' is in the archive twice"):
        names.take("a/b", second)  # type: ignore[arg-type]


def test_a_directory_may_be_listed_once_before_or_after_its_content(names: TakenNames) -> None:
    names.take("a", "dir")
    names.take("a/b/c", "file")
    names.take("a/b", "dir")
    with pytest.raises(ArchiveRefused, match="twice"):
        names.take("a/b", "dir")


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_name_under_a_file_or_a_link_is_refused(names: TakenNames, kind: str) -> None:
    names.take("a/b", kind, ".")  # type: ignore[arg-type]
    with pytest.raises(ArchiveRefused, match=f"member 'a/b/c/d' is under 'a/b', which is a {kind}"):
        names.take("a/b/c/d", "file")


def test_a_file_does_not_take_the_place_of_a_directory(names: TakenNames) -> None:
    names.take("a/b", "file")
    with pytest.raises(ArchiveRefused, match="twice"):
        names.take("a", "link", "x")


def test_names_that_differ_in_case_collide_only_if_case_is_ignored(
    names: TakenNames, case_insensitive: TakenNames
) -> None:
    for path in ("lib/a", "lib/A", "LIB/a"):
        assert names.take(path, "file") == path
    case_insensitive.take("lib/a", "file")
    for path in ("lib/A", "LIB/a"):
        with pytest.raises(ArchiveRefused, match="in another spelling"):
            case_insensitive.take(path, "file")


def test_colliding_terminal_descriptions_are_left_out(case_insensitive: TakenNames) -> None:
    case_insensitive.take("share/terminfo/E/Eterm", "file")
    assert case_insensitive.take("share/terminfo/e/eterm", "link", "../E/Eterm") == Collision(
        "share/terminfo/e/eterm", "share/terminfo/E/Eterm"
    )
    with pytest.raises(ArchiveRefused, match="twice"):
        case_insensitive.take("share/terminfo/E/Eterm", "file")


def test_names_use_the_first_spelling_of_their_directory(case_insensitive: TakenNames) -> None:
    case_insensitive.take("share/terminfo/E/Eterm", "file")
    assert case_insensitive.take("share/terminfo/e/eterm-color", "file") == "share/terminfo/E/eterm-color"
    assert case_insensitive.take("share/terminfo/e", "dir") == "share/terminfo/E"
    assert case_insensitive.file("share/terminfo/e/ETERM-color") == "share/terminfo/E/eterm-color"


def test_links_are_resolved_as_the_system_does(names: TakenNames) -> None:
    names.take("lib/x/y", "file")
    linked(names, bin__python="python3", bin__python3="../lib/.//x", a="lib", b="a/x/../y")
    assert names.resolve_link("bin/python") == "lib/x"
    assert names.resolve_link("b") == "lib/y"
    assert next(iter(names.links())) == ("bin/python", "python3")


def test_a_link_may_lead_to_a_missing_file_or_to_the_root(names: TakenNames) -> None:
    linked(names, a__b="missing/x", a__c="..")
    assert names.resolve_link("a/b") == "a/missing/x"
    assert names.resolve_link("a/c") == ""


@pytest.mark.parametrize(
    "links",
    [
        {"a": ".."},
        {"d__a": "../.."},
        {"d__a": "../../d/b"},  # leaves, and comes back
        {"current": ".", "parent": "current/.."},  # one level up, though no more names than dots
        {"d__e__deep": "../..", "up": "d/e/deep/.."},
        {"a": "b", "b": "c/..", "c": "."},
    ],
)
def test_a_link_that_leaves_the_tree_on_its_way_is_refused(names: TakenNames, links: dict[str, str]) -> None:
    linked(names, **links)
    with pytest.raises(ArchiveRefused, match="is a link out of the tree"):
        [names.resolve_link(path) for path, _ in names.links()]


@pytest.mark.parametrize("links", [{"a": "a"}, {"a": "b", "b": "a"}, {"a": "b/x", "b": "a/y"}, {"a": "b/b", "b": "a"}])
def test_a_link_that_leads_in_a_circle_is_refused(names: TakenNames, links: dict[str, str]) -> None:
    linked(names, **links)
    with pytest.raises(ArchiveRefused, match="in a cycle"):
        names.resolve_link("a")


def test_if_case_is_ignored_links_are_followed_in_any_spelling(case_insensitive: TakenNames) -> None:
    linked(case_insensitive, Current=".", up="current/..")
    with pytest.raises(ArchiveRefused, match="out of the tree"):
        case_insensitive.resolve_link("up")


def test_a_link_to_its_own_name_in_other_case_is_dropped_for_terminal_descriptions(
    case_insensitive: TakenNames,
) -> None:
    link, file = "share/terminfo/N/NCR260VT", "share/terminfo/n/ncr260vt"
    assert case_insensitive.take(link, "link", "../n/ncr260vt") == Collision(link, file)
    assert case_insensitive.take(file, "file") == "share/terminfo/N/ncr260vt"  # as its directory was spelled first
    assert list(case_insensitive.links()) == []


def test_a_link_to_its_own_name_in_other_case_is_a_cycle_elsewhere(case_insensitive: TakenNames) -> None:
    case_insensitive.take("share/doc/NAME", "link", "name")
    with pytest.raises(ArchiveRefused, match="in a cycle"):
        case_insensitive.resolve_link("share/doc/NAME")
