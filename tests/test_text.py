"""Shared parts of all output: numbers and paths for people, and texts that control no terminal and no CI system."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.text import (
    KeyPath,
    comma_list,
    dotted,
    github_annotation,
    plain_lines,
    plural,
    printable,
    quoted,
    size,
    size_change,
    spelled_as,
    without_ci_commands,
    wrapped,
)

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("sample", ["", "a\nb\n", "a\r\nb\r\n", "\ufeffa\nb\n", "\ufeffa\r\nb\r\n"])
def test_a_text_gets_the_line_endings_of_another(sample: str) -> None:
    assert spelled_as(plain_lines(sample), sample) == sample
    assert plain_lines(spelled_as("x\ny\n", sample)) == "x\ny\n"


def test_nouns_agree_with_their_number() -> None:
    assert [plural(1, "entry", "entries"), plural(2, "entry", "entries"), plural(0, "tree")] == [
        "1 entry",
        "2 entries",
        "0 trees",
    ]


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (35_123_456, "35.1 MB"), (2_500_000_000, "2.5 GB")],
)
def test_sizes_are_readable(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("count", "signed", "text"),
    [
        (1_200_000, True, "+1.2 MB"),
        (-35, True, "-35 B"),
        (0, True, "±0"),
        (35, False, "35 B"),
        (0, False, "0 B"),
        (None, True, ""),
        (None, False, ""),
    ],
)
def test_a_difference_other_than_zero_has_a_sign(count: int | None, signed: bool, text: str) -> None:
    assert size_change(count, signed=signed) == text


def test_long_lists_are_shortened() -> None:
    assert comma_list(["a", "b", "c"]) == "a, b, c"
    assert comma_list("abcdef", most=3) == "a, b, c and 3 more"
    assert comma_list("abcd", most=3) == "a, b, c, d"


def test_a_quoted_value_is_shortened() -> None:
    assert quoted("x" * 64) == repr("x" * 64)
    assert quoted("x" * 1_000_000) == repr("x" * 60 + "…")
    assert quoted("\x1b[31m") == "'\\x1b[31m'"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("pythons", "free", "version"), "pythons.free.version"),
        (("settings", "targets", 1), "settings.targets[1]"),
        (("pythons", "3.14", "build-options"), 'pythons."3.14".build-options'),
        (("pythons", 'a"b', "x"), 'pythons."a\\"b".x'),
        (("pythons", "\x1b[31m"), 'pythons."\\x1b[31m"'),
        ((), ""),
    ],
)
def test_paths_are_shown_as_toml_writes_them(path: KeyPath, text: str) -> None:
    assert dotted(path) == text


def test_a_shown_path_is_shortened() -> None:
    assert len(dotted(("x" * 1_000_000,))) < 70


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("größe", "größe"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("left\u202eright", "left\\u202eright"),
        ("bell\x07", "bell\\x07"),
    ],
)
def test_control_characters_are_made_visible(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("::error::x", "\\x3a:error::x"),
        ("  ::stop-commands::x", "  \\x3a:stop-commands::x"),
        ("a\n::add-mask::x", "a\n\\x3a:add-mask::x"),
        ("see std::string", "see std::string"),
        ("is '##[add-mask]x'", "is '\\x23#[add-mask]x'"),
        ("###[x]", "#\\x23#[x]"),
        ("##vso[task.setvariable]x", "\\x23#vso[task.setvariable]x"),
        ("## heading", "## heading"),
    ],
)
def test_no_text_can_be_a_command_to_a_ci_system(text: str, written: str) -> None:
    assert without_ci_commands(text) == written


def test_an_annotation_has_the_properties_that_are_known() -> None:
    assert github_annotation("notice", "50 % more\nreally", file="pythons.lock", line=5) == (
        "::notice file=pythons.lock,line=5::50 %25 more%0Areally"
    )
    assert github_annotation("error", "odd", file="a", line=5, title="") == "::error file=a,line=5,title=::odd"
    assert github_annotation("error", "odd", file="a", line=5, column=7, title="alarm: a, b") == (
        "::error file=a,line=5,col=7,title=alarm%3A a%2C b::odd"
    )


def test_no_text_ends_an_annotation_or_its_properties_early() -> None:
    evil = "a,line=9::b\r\n::warning::\x1b[2J##[x]"
    assert github_annotation("error", evil, file=evil, line=1, title=evil) == (
        "::error file=a%2Cline=9%3A%3Ab%0A%0A%3A%3Awarning%3A%3A\\x1b[2J##[x],line=1,"
        "title=a%2Cline=9%3A%3Ab%0A%0A%3A%3Awarning%3A%3A\\x1b[2J##[x]"
        "::a,line=9::b%0A%0A::warning::\\x1b[2J\\x23#[x]"
    )


@given(message=st.text(), file=st.text(), title=st.text())
def test_an_annotation_is_one_printable_line_with_its_own_properties(message: str, file: str, title: str) -> None:
    command = github_annotation("error", message, file=file, line=1, title=title)
    assert command.isprintable()
    assert re.fullmatch(r"::error file=[^,:]*,line=1,title=[^,:]*::.*", command)


def test_text_imports_nothing() -> None:
    code = "import sys, __future__; before = set(sys.modules); import provision.text; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"provision", "provision.text"}


def test_text_is_wrapped_between_words_below_its_value() -> None:
    text = "old: request changed: the manifest requests version 3.13, the lock file has 3.12.15"
    assert wrapped(text, 40) == [
        "old: request changed: the manifest",
        "     requests version 3.13, the lock",
        "     file has 3.12.15",
    ]
    assert wrapped("github.com  host name not found", 24) == ["github.com  host name", "            not found"]


@pytest.mark.parametrize("whole", ["https://example.com/a-long/path.tar.gz", "`provision lock --upgrade`"])
def test_urls_and_commands_are_not_broken(whole: str) -> None:
    assert wrapped(f"try {whole} now", 12) == ["try", whole, "now"]
