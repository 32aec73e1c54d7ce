"""What entries may be called, and how paths of keys are shown."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.manifest.keys import NAME_PATTERN, check_name
from provision.text import KeyPath, dotted
from tests.manifest.strategies import unhurried


@pytest.mark.parametrize("name", ["default", "3.14", "py3.12", "a-b_c.d", "0", "binary", "bin.x", "x" * 64])
def test_names(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("", "'' is not a name: lower-case letters, digits and . _ -, a letter or digit first"),
        ("Free", "'Free' is not a name"),
        (".stamp", "'.stamp' is not a name"),
        ("../x", "'../x' is not a name"),
        ("a/b", "'a/b' is not a name"),
        ("ä", "'ä' is not a name"),
        ("\x1b[31m", "'\\x1b[31m' is not a name"),
        ("x" * 65, "at most 64 characters, not 65"),
        ("bin", "'bin' cannot be the name of a link on every system"),  # .pythons/bin holds the executables
        ("nul", "'nul' cannot be the name of a link"),
        ("com1.txt", "'com1.txt' cannot be the name of a link"),
        ("a.", "'a.' cannot be the name of a link"),
    ],
)
def test_what_is_no_name(name: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        check_name(name)


@unhurried
@given(st.text(max_size=5) | st.text("ab.-_0B/", max_size=5))
def test_the_pattern_accepts_all_names(name: str) -> None:
    try:
        check_name(name)
    except ValueError:
        return
    assert re.search(NAME_PATTERN, name)


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


def test_a_path_that_is_shown_is_never_long() -> None:
    assert len(dotted(("x" * 1_000_000,))) < 70
