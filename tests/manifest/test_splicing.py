"""How lines are put into a text and taken out of it without leaving traces."""

from __future__ import annotations

import pytest

from provision.manifest.splicing import cut, ended, insert_block, insert_line, newline


def test_line_ends_are_those_of_the_text() -> None:
    assert newline("a\nb") == "\n"
    assert newline("a\r\nb") == "\r\n"
    assert ended("a\r\nb") == "a\r\nb\r\n"
    assert ended("a\n") == "a\n"
    assert ended("") == ""


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("a|\nb\n", "a\nNEW\nb\n"),
        ("a|  # comment\nb\n", "a  # comment\nNEW\nb\n"),
        ("a|", "a\nNEW\n"),
        ("a|\r\nb\r\n", "a\r\nNEW\r\nb\r\n"),
    ],
)
def test_a_line_goes_below_another(text: str, after: str) -> None:
    assert insert_line(text.replace("|", ""), text.index("|"), "NEW") == after


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("a|\n", "a\n\nNEW\n"),
        ("a|", "a\n\nNEW\n"),
        ("a|\n\nb\n", "a\n\nNEW\n\nb\n"),
        ("a|\nb\n", "a\n\nNEW\n\nb\n"),
        ("a|\n# on a\n", "a\n# on a\n\nNEW\n"),
        ("a|\n# on a\n\nb\n", "a\n# on a\n\nNEW\n\nb\n"),
        ("a|\n# on b\nb\n", "a\n\nNEW\n\n# on b\nb\n"),
        ("a|\n\n\n", "a\n\nNEW\n\n\n"),
    ],
)
def test_a_block_stands_by_itself(text: str, after: str) -> None:
    assert insert_block(text.replace("|", ""), text.index("|"), ["NEW"]) == after


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("a\n|b|\nc\n", "a\nc\n"),
        ("a\n|b|  # comment\nc\n", "a\nc\n"),
        ("a\n|b\nb|\nc\n", "a\nc\n"),
        ("a\n\n|b|\n\nc\n", "a\n\nc\n"),
        ("a\n\n|b|\n\n  c\n", "a\n\n  c\n"),
        ("a\n\n|b|\n", "a\n"),
        ("a\n\n|b|\n\n", "a\n"),
        ("a\n\n|b|", "a\n"),
        ("|b|\n\nc\n", "c\n"),
        ("|b|", ""),
        ("a\r\n\r\n|b|\r\n\r\nc\r\n", "a\r\n\r\nc\r\n"),
        ("a\n  |b|\nc\n", "a\nc\n"),
    ],
)
def test_lines_go_and_blank_ones_do_not_add_up(text: str, after: str) -> None:
    start = text.index("|")
    end = text.index("|", start + 1) - 1
    assert cut(text.replace("|", ""), start, end) == after
