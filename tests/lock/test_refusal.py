"""What is said when a version, a build or a release is missing: what does exist."""

from __future__ import annotations

import pytest

from provision.errors import ResolutionError, SeveralErrors
from tests.lock.samples import asset, lock, refusals

ROWS = (
    asset("3.15.0rc1+20260814"),
    asset("3.15.0rc2+20261021"),
    asset("3.14.9+20261021"),
    asset("3.14.7+20260814"),
    asset("3.14.2+20260127"),
    asset("3.14.0+20251010"),
    asset("3.12.11+20250818"),
    asset("3.10.1+20250818"),
    asset("3.11.15+8.0.0", implementation="pypy", flavor="install_only", options=""),
)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('"graalpy3.12"', "no catalog has GraalPy; known are CPython, PyPy"),
        ('"3.14.3"', "there is no CPython 3.14.3; the nearest are 3.14.2, 3.14.0, 3.14.7"),
        ('"3.99"', "there is no CPython 3.99; there are versions of 3.10, 3.12, 3.14, 3.15"),
        ('">=3.16"', "there is no CPython >=3.16; there are versions of 3.10, 3.12, 3.14, 3.15"),
        ('"pypy3.10"', "there is no PyPy 3.10; there are versions of 3.11"),
        ('"3.15"', "CPython 3.15 has no final release yet; the newest prerelease is 3.15.0rc2"),
        (
            '{version = "3.12", build = "20250819"}',
            "build 20250819 has no CPython 3.12: no such build is known; builds of 3.12.11 are 20250818",
        ),
        (
            '{version = "3.14", build = "20250818"}',
            "build 20250818 has no CPython 3.14: it has 3.12.11, 3.10.1; builds of 3.14.9 are 20261021",
        ),
        (
            '{version = "3.14.9", cooldown = "1 week"}',
            (
                "every build of CPython 3.14.9 that fits is in its cooldown of 7 days; "
                "the newest, 3.14.9+20261021, is available from 2026-10-28 00:00 UTC"
            ),
        ),
    ],
)
def test_it_says_what_does_exist(entry: str, message: str) -> None:
    assert refusals(f"default = {entry}", *ROWS) == [message]


def test_a_prerelease_tells_how_to_ask_for_it() -> None:
    with pytest.raises(ResolutionError) as caught:
        lock('default = "3.15"', *ROWS)
    assert caught.value.hint == 'Ask for it by its name, "3.15.0rc2", or set `prereleases = true`.'


def test_all_requests_are_refused_at_once_each_with_its_place() -> None:
    with pytest.raises(SeveralErrors) as caught:
        lock('a = "3.99"\nb = "3.14"\nc = { version = "3.15" }', *ROWS)
    assert [str(error).partition(": ")[0] for error in caught.value.errors] == ["pythons.toml:4:1", "pythons.toml:6:1"]
    assert caught.value.exit_code == 1
