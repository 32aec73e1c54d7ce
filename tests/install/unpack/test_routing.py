from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from provision.install.unpack.building import Building
from provision.install.unpack.members import Member
from provision.install.unpack.refusal import Refusal, TooLarge
from provision.install.unpack.routing import Routing
from provision.unpack.members import Names
from provision.unpack.selection import layout_of
from tests.unpack.archives import LINUX, asset_of


def content() -> Iterator[memoryview]:
    yield memoryview(b"content")


def unread() -> Iterator[memoryview]:
    raise AssertionError("nobody wanted this content")


@pytest.fixture
def routing(tmp_path: Path) -> Iterator[Routing]:
    """Of a full archive, whose readme is not wanted, and of which hard links may copy 10 bytes."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "beside").mkdir()
    with (
        closing(Building(tmp_path / "tree", LINUX, fold=False)) as tree,
        closing(Building(tmp_path / "beside", LINUX, fold=False)) as beside,
    ):
        names, layout = Names(windows=False), layout_of(asset_of(flavor="full"))
        yield Routing(names=names, layout=layout, gone="README".__eq__, tree=tree, beside=beside, spare=10)


def test_members_go_into_the_tree_beside_it_or_nowhere(routing: Routing) -> None:
    routing.take(Member("python", "dir"), unread)
    routing.take(Member("python/PYTHON.json", "file", 0o644, 7), content)
    routing.take(Member("./python/install/bin/python3", "file", 0o755, 7), content)
    routing.take(Member("python/install/README", "file", 0o644, 7), unread)
    routing.take(Member("python/build/x", "file", 0o644, 7), unread)
    routing.take(Member(".", "dir"), unread)
    assert routing.beside is not None
    assert (list(routing.tree.entries), list(routing.beside.entries)) == (["bin", "bin/python3"], ["PYTHON.json"])


def test_what_is_beside_the_tree_may_be_unwanted(routing: Routing) -> None:
    routing.beside = None
    routing.take(Member("python/PYTHON.json", "file", 0o644, 7), unread)


def test_what_goes_nowhere_must_have_a_name_all_the_same(routing: Routing) -> None:
    with pytest.raises(Refusal, match=r"'\.\.' in its path"):
        routing.take(Member("python/build/../x", "file"), unread)


def test_the_place_of_the_tree_is_a_directory(routing: Routing) -> None:
    with pytest.raises(Refusal, match="is a link where the archive's top directory should be"):
        routing.take(Member("python/install", "link", target="elsewhere"), unread)


def test_hard_links_copy_as_long_as_there_is_room(routing: Routing) -> None:
    routing.take(Member("python/install/a", "file", 0o644, 7), content)
    routing.take(Member("python/install/b", "hardlink", target="python/install/a"), unread)
    assert routing.tree.entries["b"] == routing.tree.entries["a"]
    with pytest.raises(TooLarge, match="member 'c' is one hard link too many"):
        routing.take(Member("python/install/c", "hardlink", target="python/install/a"), unread)


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("../x", r"'\.\./x', which has '\.\.' in its path"),
        ("elsewhere/x", "'elsewhere/x', which is not in the directory 'python'"),
        ("python/build/x", "'python/build/x', which is not in the tree"),
        ("python/install/x", "'x', which is no file that came before it"),
    ],
)
def test_hard_links_to_anything_else_are_refused_under_their_own_name(
    routing: Routing, target: str, reason: str
) -> None:
    with pytest.raises(Refusal, match=f"^member 'link' is a hard link to {reason}"):
        routing.take(Member("python/install/link", "hardlink", target=target), unread)
