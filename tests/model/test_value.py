"""A frozen value: its fields, that it cannot be changed, and what it is equal to."""

from __future__ import annotations

import copy
import subprocess
import sys
from typing import Any

import pytest

from provision.model.value import field, fields_of, frozen, replace
from tests.support.package import IMPORTED_FROM


@frozen
class Wheel:
    """Has keywords only."""

    size: int
    name: str = "front"


@frozen(kw_only=False, order=True)
class Point:
    x: int
    y: int = 0

    @property
    def doubled(self) -> Point:
        return Point(self.x * 2, self.y * 2)


@frozen
class Car:
    wheels: list[Wheel] = field(default_factory=list)
    plate: str = field(default="", compare=False)
    key: str = field(default="", repr=False)


@frozen
class Shown:
    size: int

    def __repr__(self) -> str:
        return f"<{self.size}>"

    def __hash__(self) -> int:
        return 7


def test_fields_are_given_by_keyword() -> None:
    wheel = Wheel(size=3)
    assert (wheel.size, wheel.name) == (3, "front")
    unchecked: Any = Wheel
    for wrong in ({}, {"colour": "red"}, {"size": 3, "colour": "red"}):
        with pytest.raises(TypeError):
            unchecked(**wrong)
    with pytest.raises(TypeError):
        unchecked(3)


def test_fields_are_given_by_position_if_declared() -> None:
    assert Point(1, 2) == Point(x=1, y=2)
    match Point(1, 2):
        case Point(x, y):
            assert (x, y) == (1, 2)


def test_nothing_can_be_changed_added_or_removed() -> None:
    wheel: Any = Wheel(size=3)
    with pytest.raises(AttributeError, match="'size' cannot be changed"):
        wheel.size = 4
    with pytest.raises(AttributeError, match="'colour' cannot be changed"):
        wheel.colour = "red"
    with pytest.raises(AttributeError, match="'size' cannot be changed"):
        del wheel.size
    assert not hasattr(wheel, "__dict__")


def test_equal_fields_make_equal_values_of_the_same_class() -> None:
    assert Wheel(size=3) == Wheel(size=3, name="front") != Wheel(size=3, name="back")
    assert len({Wheel(size=3), Wheel(size=3), Wheel(size=4)}) == 2
    others: tuple[object, ...] = (Shown(size=3), (3, "front"), None)
    assert all(Wheel(size=3) != other for other in others)


def test_order_is_that_of_the_fields() -> None:
    assert sorted([Point(2, 1), Point(1, 2), Point(1, 1)]) == [Point(1, 1), Point(1, 2), Point(2, 1)]
    assert Point(1, 2) <= Point(1, 2) >= Point(1, 1)
    assert Point(2) > Point(1, 5)
    unordered: Any = Wheel
    with pytest.raises(TypeError):
        sorted([unordered(size=1), unordered(size=2)])


def test_a_default_is_created_for_every_value() -> None:
    assert Car().wheels == []
    assert Car().wheels is not Car().wheels
    assert Car(wheels=[Wheel(size=1)]).wheels == [Wheel(size=1)]


def test_fields_can_be_excluded_from_comparison_or_representation() -> None:
    assert Car(plate="a") == Car(plate="b")
    assert Car(key="a") != Car(key="b")
    assert repr(Car(plate="a", key="secret")) == "Car(wheels=[], plate='a')"


def test_methods_that_a_class_defines_are_kept() -> None:
    assert (repr(Shown(size=3)), hash(Shown(size=3))) == ("<3>", 7)
    assert Point(1, 2).doubled == Point(2, 4)
    assert Wheel.__doc__ == "Has keywords only."


@frozen
class Shelf:
    books: tuple[str, ...]
    _index: dict[str, int] = field(default_factory=dict, compare=False, repr=False)

    def position(self, book: str) -> int | None:
        self._index.update({each: number for number, each in enumerate(self.books)})
        return self._index.get(book)


def test_a_copy_does_not_have_the_index_of_the_original() -> None:
    shelf = Shelf(books=("a", "b"))
    assert shelf.position("b") == 1
    copy = replace(shelf, books=("c",))
    assert copy.position("b") is None
    assert (fields_of(copy), copy) == ({"books": ("c",)}, Shelf(books=("c",)))


def test_a_copy_can_differ_in_some_fields() -> None:
    wheel = Wheel(size=3, name="back")
    assert replace(wheel, size=4) == Wheel(size=4, name="back")
    assert fields_of(wheel) == {"size": 3, "name": "back"}
    with pytest.raises(TypeError):
        replace(wheel, colour="red")
    if sys.version_info >= (3, 13):
        assert copy.replace(wheel, size=4) == Wheel(size=4, name="back")


def test_defining_values_imports_almost_no_modules() -> None:
    code = "import sys, provision.model.value; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(IMPORTED_FROM)!r}); {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"dataclasses", "inspect", "typing", "enum", "re"}.intersection(done.stdout.split())
