"""Names and link targets are plain, relative and short enough; Windows has further rules."""

from __future__ import annotations

import pytest

from provision.unpack.limits import ArchiveRefused
from provision.unpack.members import NameRules, case_folded

UNIX, WINDOWS = NameRules(windows=False), NameRules(windows=True)


@pytest.mark.parametrize(
    "path", ["python", "python/bin/python3.13", "a/..b", "a/...", "a/ b", "a/b.", "é/ü", "a/\udcff"]
)
def test_plain_relative_paths_are_accepted(path: str) -> None:
    UNIX.check(path)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/etc/passwd", "has an absolute name"),
        ("//host/share", "has an absolute name"),
        ("..", "has '..' in its path"),
        ("../evil", "has '..' in its path"),
        ("a/../b", "has '..' in its path"),
        ("a/..", "has '..' in its path"),
        ("./a", "has '.' in its path"),
        ("a/./b", "has '.' in its path"),
        ("", "has an empty name in its path"),
        ("a//b", "has an empty name in its path"),
        ("a/", "has an empty name in its path"),
        ("a\0b", "has control characters"),
        ("a\nb/c", "has control characters"),
        ("a/\x1b[2J", "has control characters"),
        ("a/\x7f", "has control characters"),
        ("x" * 256, "more than 255 bytes"),
        ("é" * 128, "more than 255 bytes"),
        ("x" * 256 + "/y", "more than 255 bytes"),
        ("/".join(["x" * 200] * 6), "more than 1024 bytes"),
        ("/".join("x" * 66), "more than 64 directories"),
    ],
)
def test_other_paths_are_refused(path: str, reason: str) -> None:
    with pytest.raises(ArchiveRefused, match=reason):
        UNIX.check(path)


@pytest.mark.parametrize("name", ["", ".", "..", "a\0b", "a\nb", "\x7f", "x" * 256, "é" * 128])
def test_names_in_an_already_checked_directory_are_checked_alike(name: str) -> None:
    rules = NameRules(windows=False)
    rules.check("lib/python3.13/os.py")
    for path in (f"lib/python3.13/{name}", f"lib/{name}", name, f"/{name}"):
        with pytest.raises(ArchiveRefused):
            rules.check(path)


def test_a_refusal_names_the_member_escaped_and_shortened() -> None:
    with pytest.raises(ArchiveRefused, match=r"^member 'a\\x1b\[31m' has control"):
        UNIX.check("a\x1b[31m")
    with pytest.raises(ArchiveRefused) as caught:
        UNIX.check("x" * 5000)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("path", ["x" * 255, "é" * 127, "/".join("x" * 65)])
def test_the_longest_names_are_accepted(path: str) -> None:
    UNIX.check(path)


@pytest.mark.parametrize(
    "path",
    [
        *[
            "C:/evil",
            "C:evil",
            "a/c:stream",
            "\\\\host\\share",
            "a\\..\\b",
            "a/b\\c",
            "a/b?",
            'a/"b"',
            "a|b",
            "a<b",
            "a*",
        ],
        *["a/b.", "a./b", "a/b ", "CON", "a/nul.txt", "a/COM1", "lpt9.x.y", "a/CONIN$", "a/com¹", "aux /b"],
    ],
)
def test_names_that_windows_cannot_have_are_refused_in_windows_trees(path: str) -> None:
    with pytest.raises(ArchiveRefused, match="Windows"):
        WINDOWS.check(path)


@pytest.mark.parametrize(
    "path", ["Lib/site-packages/_distutils_hack/__init__.py", "Scripts/.empty", "DLLs/_asyncio.pyd", "com0"]
)
def test_ordinary_windows_names_are_accepted(path: str) -> None:
    WINDOWS.check(path)


@pytest.mark.parametrize("target", ["python3.13", "../x/xterm", "./a", "a/../b", ".."])
def test_relative_targets_are_well_formed(target: str) -> None:
    UNIX.check_target(target, "python/x")


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("", "link without a target"),
        ("/usr/bin/python", "absolute path"),
        ("//host", "absolute path"),
        ("a\0b", "control characters"),
        ("x" * 1025, "more than 1024 bytes"),
        ("../" * 65, "64 names"),
    ],
)
def test_other_targets_are_refused(target: str, reason: str) -> None:
    with pytest.raises(
        ArchiveRefused, match=rf"member 'python/x' is a link to .*{reason}|member 'python/x' is a {reason}"
    ):
        UNIX.check_target(target, "python/x")


@pytest.mark.parametrize("target", ["C:x", "a\\b", "\\\\host\\share"])
def test_targets_that_windows_interprets_differently_are_refused_on_windows(target: str) -> None:
    UNIX.check_target(target, "x")
    with pytest.raises(ArchiveRefused, match="Windows"):
        WINDOWS.check_target(target, "x")


def test_case_folding_also_ignores_unicode_composition() -> None:
    assert case_folded("share/terminfo/N/Eterm") == case_folded("share/terminfo/n/eterm")
    assert case_folded("\u00c9") == case_folded("e\u0301")
    assert case_folded("straße") == case_folded("STRASSE")
    assert case_folded("a") != case_folded("b")
    assert case_folded("\udcff") == "\udcff"
