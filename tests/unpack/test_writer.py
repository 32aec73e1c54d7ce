from __future__ import annotations

import pytest

from provision.install.unpack.refusal import Refusal
from provision.unpack.writer import Collision, Ledger


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(fold=False)


@pytest.fixture
def folding() -> Ledger:
    return Ledger(fold=True)


def linked(ledger: Ledger, **links: str) -> Ledger:
    for path, target in links.items():
        ledger.take(path.replace("__", "/"), "link", target)
    return ledger


def test_a_name_is_taken_with_its_directories(ledger: Ledger) -> None:
    assert ledger.take("lib/python3.13/os.py", "file") == "lib/python3.13/os.py"
    assert ledger.kind_at("lib") == ledger.kind_at("lib/python3.13") == "dir"
    assert ledger.file("lib/python3.13/os.py") == "lib/python3.13/os.py"
    assert ledger.file("lib") is ledger.file("nothing") is None


@pytest.mark.parametrize("second", ["file", "link", "dir"])
def test_a_name_is_taken_once(ledger: Ledger, second: str) -> None:
    ledger.take("a/b", "file")
    with pytest.raises(Refusal, match="member 'a/b' is in the archive twice"):
        ledger.take("a/b", second)  # type: ignore[arg-type]


def test_a_directory_may_be_listed_once_before_or_behind_what_is_in_it(ledger: Ledger) -> None:
    ledger.take("a", "dir")
    ledger.take("a/b/c", "file")
    ledger.take("a/b", "dir")
    with pytest.raises(Refusal, match="twice"):
        ledger.take("a/b", "dir")


@pytest.mark.parametrize("kind", ["file", "link"])
def test_nothing_is_under_a_file_or_a_link(ledger: Ledger, kind: str) -> None:
    ledger.take("a/b", kind, ".")  # type: ignore[arg-type]
    with pytest.raises(Refusal, match=f"member 'a/b/c/d' is under 'a/b', which is a {kind}"):
        ledger.take("a/b/c/d", "file")


def test_a_file_does_not_take_the_place_of_a_directory(ledger: Ledger) -> None:
    ledger.take("a/b", "file")
    with pytest.raises(Refusal, match="twice"):
        ledger.take("a", "link", "x")


def test_names_in_another_case_are_others_unless_they_are_folded(ledger: Ledger, folding: Ledger) -> None:
    for path in ("lib/a", "lib/A", "LIB/a"):
        assert ledger.take(path, "file") == path
    folding.take("lib/a", "file")
    for path in ("lib/A", "LIB/a"):
        with pytest.raises(Refusal, match="in another spelling"):
            folding.take(path, "file")


def test_terminal_descriptions_may_collide_and_are_then_left_out(folding: Ledger) -> None:
    folding.take("share/terminfo/E/Eterm", "file")
    assert folding.take("share/terminfo/e/eterm", "link", "../E/Eterm") == Collision(
        "share/terminfo/e/eterm", "share/terminfo/E/Eterm"
    )
    with pytest.raises(Refusal, match="twice"):
        folding.take("share/terminfo/E/Eterm", "file")


def test_names_go_into_the_directory_as_it_was_first_spelled(folding: Ledger) -> None:
    folding.take("share/terminfo/E/Eterm", "file")
    assert folding.take("share/terminfo/e/eterm-color", "file") == "share/terminfo/E/eterm-color"
    assert folding.take("share/terminfo/e", "dir") == "share/terminfo/E"
    assert folding.file("share/terminfo/e/ETERM-color") == "share/terminfo/E/eterm-color"


def test_links_lead_where_the_system_would_follow_them(ledger: Ledger) -> None:
    ledger.take("lib/x/y", "file")
    linked(ledger, bin__python="python3", bin__python3="../lib/.//x", a="lib", b="a/x/../y")
    assert ledger.destination("bin/python") == "lib/x"
    assert ledger.destination("b") == "lib/y"
    assert next(iter(ledger.links())) == ("bin/python", "python3")


def test_a_link_may_lead_nowhere_and_to_the_root(ledger: Ledger) -> None:
    linked(ledger, a__b="missing/x", a__c="..")
    assert ledger.destination("a/b") == "a/missing/x"
    assert ledger.destination("a/c") == ""


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
def test_a_link_that_leaves_the_tree_on_its_way_is_refused(ledger: Ledger, links: dict[str, str]) -> None:
    linked(ledger, **links)
    with pytest.raises(Refusal, match="is a link that leads out of the tree"):
        [ledger.destination(path) for path, _ in ledger.links()]


@pytest.mark.parametrize("links", [{"a": "a"}, {"a": "b", "b": "a"}, {"a": "b/x", "b": "a/y"}, {"a": "b/b", "b": "a"}])
def test_a_link_that_leads_in_a_circle_is_refused(ledger: Ledger, links: dict[str, str]) -> None:
    linked(ledger, **links)
    with pytest.raises(Refusal, match="in a circle"):
        ledger.destination("a")


def test_folded_links_are_followed_by_any_spelling(folding: Ledger) -> None:
    linked(folding, Current=".", up="current/..")
    with pytest.raises(Refusal, match="out of the tree"):
        folding.destination("up")


def test_a_terminal_descriptions_link_to_its_own_name_gives_way_to_the_file(folding: Ledger) -> None:
    link, file = "share/terminfo/N/NCR260VT", "share/terminfo/n/ncr260vt"
    assert folding.take(link, "link", "../n/ncr260vt") == Collision(link, file)
    assert folding.take(file, "file") == "share/terminfo/N/ncr260vt"  # as its directory was spelled first
    assert list(folding.links()) == []


def test_anywhere_else_it_is_a_circle(folding: Ledger) -> None:
    folding.take("share/doc/NAME", "link", "name")
    with pytest.raises(Refusal, match="in a circle"):
        folding.destination("share/doc/NAME")
