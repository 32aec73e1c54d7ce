"""Targets: the triples, their short forms, and what people also call them."""

from __future__ import annotations

import pytest

from provision.model.target import KNOWN_TARGETS, Target, target_spellings


def test_every_target_has_a_triple_and_a_short_form() -> None:
    for triple, target in KNOWN_TARGETS.items():
        assert Target.parse(triple) == Target.parse(target.short) == target
        assert str(target) == triple


@pytest.mark.parametrize(
    ("text", "triple"),
    [
        ("linux-x86_64", "x86_64-unknown-linux-gnu"),
        ("linux-amd64-musl", "x86_64-unknown-linux-musl"),
        ("darwin-arm64", "aarch64-apple-darwin"),
        ("win32-x86", "i686-pc-windows-msvc"),
        ("linux-armv7", "armv7-unknown-linux-gnueabihf"),
    ],
)
def test_short_forms_and_aliases_are_read(text: str, triple: str) -> None:
    assert str(Target.parse(text)) == triple


@pytest.mark.parametrize(
    "text", ["", "linux", "linux-x86-64", "linux-aarch64-gnueabi", "beos-x86_64", "X86_64-apple-darwin"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a known target"):
        Target.parse(text)


def test_every_listed_spelling_can_be_read() -> None:
    listed = target_spellings()
    assert {Target.parse(text) for text in listed} == set(KNOWN_TARGETS.values())
    assert {"linux-amd64", "osx-arm64", "win32-x64", "linux-armv7"} <= set(listed)


def test_a_triple_has_the_level_as_in_asset_names() -> None:
    target = Target.parse("linux-x86_64")
    assert target.with_cpu("v3") == "x86_64_v3-unknown-linux-gnu"
    assert target.with_cpu("baseline") == str(target)


def test_a_label_has_the_level_only_above_the_baseline() -> None:
    target = Target.parse("linux-x86_64-musl")
    assert (target.label("baseline"), target.label("v3")) == ("linux-x86_64-musl", "linux-x86_64-musl v3")
