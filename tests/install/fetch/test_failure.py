"""What a user reads once every place has failed."""

from __future__ import annotations

import pytest

from provision.errors import IntegrityError, NetworkError, PolicyError, ProvisionError
from provision.fetch.retry import Failure, Kind, final_error
from provision.url import Url

_ONE, _TWO = Url.parse("https://me:secret@one.example/a?sig=secret"), Url.parse("https://two.example/a")


def test_one_failure_is_one_sentence() -> None:
    error = final_error("a.tar.gz", [Failure(url=_TWO, cause="404 Not Found", hint="look elsewhere")])
    assert str(error) == "cannot fetch a.tar.gz: https://two.example/a: 404 Not Found"
    assert error.hint == "look elsewhere"


def test_every_place_is_told_with_its_cause_and_without_secrets() -> None:
    failures = [Failure(url=_ONE, cause="connection refused"), Failure(url=_TWO, cause="404 Not Found")]
    assert str(final_error("a.tar.gz", failures)).splitlines() == [
        "cannot fetch a.tar.gz from any of 2 places:",
        "  https://one.example/a?…: connection refused",
        "  https://two.example/a: 404 Not Found",
    ]


def test_a_hint_is_given_once() -> None:
    failures = [Failure(url=url, cause="x", hint="do this") for url in (_ONE, _TWO)]
    assert final_error("a", failures).hint == "do this"


@pytest.mark.parametrize(
    ("kinds", "error", "code"),
    [
        (("network",), NetworkError, 6),
        (("policy",), PolicyError, 5),
        (("network", "integrity"), IntegrityError, 5),
        (("policy", "network"), PolicyError, 5),
        (("policy", "integrity"), IntegrityError, 5),
    ],
)
def test_the_gravest_failure_decides_the_exit_code(
    kinds: tuple[Kind, ...], error: type[ProvisionError], code: int
) -> None:
    given = final_error("a", [Failure(url=_ONE, cause="x", kind=kind) for kind in kinds])
    assert type(given) is error
    assert given.exit_code == code
