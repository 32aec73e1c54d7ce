"""The error when every source of an archive has failed, and the single error of several downloads."""

from __future__ import annotations

import json

import pytest

from provision.errors import IntegrityError, NetworkError, Place, PolicyError, ProvisionError, UsageError
from provision.fetch.failures import (
    Failure,
    FailureKind,
    document_error,
    download_error,
    merge_server_errors,
    merge_unreachable,
    read_download_error,
    transfer_error,
)
from provision.url import Url
from tests.fetch.samples import asset, digest

_ONE, _TWO = Url.parse("https://me:secret@one.example/a?sig=secret"), Url.parse("https://two.example:8443/a")
_FILE = Url.parse("file:///mirror/a")
_ASSET = asset("https://one.example/a")
_GOT = digest(b"wrong").hex


def test_a_document_has_one_source() -> None:
    error = document_error("a.json", Failure(url=_TWO, cause="404 Not Found", hint="look elsewhere"))
    assert str(error) == "cannot download a.json: https://two.example:8443/a: 404 Not Found"
    assert error.hint == "look elsewhere"
    assert (document_error("a", Failure(url=_TWO, cause="x", retryable=True)).hint or "").startswith(
        "Check the network"
    )


def test_every_source_is_named_with_its_cause_and_without_secrets() -> None:
    failures = [Failure(url=url, cause=f"cause {number}") for number, url in enumerate((_ONE, _TWO, _FILE))]
    assert str(download_error(_ASSET, failures)).splitlines() == [
        "cannot download the archive",
        "cpython 3.13.5+20261101 linux-x86_64",
        "All sources failed:",
        "one.example       cause 0",
        "two.example:8443  cause 1",
        "file:///mirror/: cause 2",
    ]


def test_equal_numbers_of_attempts_are_shown_once() -> None:
    same = [Failure(url=url, cause="timeout", attempts=4) for url in (_ONE, _TWO)]
    assert "All sources failed, each after 4 attempts:\n" in str(download_error(_ASSET, same))
    differing = [same[0], Failure(url=_TWO, cause="404 Not Found")]
    assert str(download_error(_ASSET, differing)).splitlines()[2:] == [
        "All sources failed:",
        "one.example       timeout (4 attempts)",
        "two.example:8443  404 Not Found",
    ]


def test_the_largest_number_of_attempts_is_shown_for_several_archives() -> None:
    counts = (4, 6, 1)
    errors = [download_error(_ASSET, [Failure(url=_ONE, cause="timeout", attempts=each)]) for each in counts]
    (merged,) = merge_unreachable([(["a"], each) for each in errors], 3)
    assert str(merged).splitlines()[-2:] == ["All sources failed, each after 6 attempts:", "one.example  timeout"]


def test_one_refusal_of_several_archives_is_one_error() -> None:
    refused = [transfer_error(f"cannot push {n}", Failure(url=_ONE, cause="403", status=403)) for n in range(3)]
    other = transfer_error("cannot push 3", Failure(url=_TWO, cause="503", retryable=True))
    wrong = [transfer_error("cannot push", Failure(url=_ONE, cause="x", kind="integrity")) for _ in range(2)]
    merged = merge_server_errors([refused[0], other, *refused[1:], *wrong], "push", 6)
    assert [str(each) for each in merged] == [
        "cannot push 3 of 6 archives: one.example: 403",
        "cannot push 3: https://two.example:8443/a: 503",
        *[f"cannot push: {_ONE}: x"] * 2,
    ]


def test_a_mismatch_has_both_digests_the_url_and_the_other_sources() -> None:
    wrong = Failure(url=_ONE, cause="sha256 mismatch", kind="integrity", digest=_GOT)
    error = download_error(_ASSET, [wrong, Failure(url=_TWO, cause="refused")]).named(["free"])
    assert str(error).splitlines() == [
        "sha256 mismatch: the archive of entry 'free' is not the locked one",
        f"asset   {_ASSET.title}",
        f"locked  {_ASSET.sha256.hex}",
        f"got     {_GOT}",
        "from",
        "https://one.example/a?…",
        "The other sources failed:",
        "two.example:8443  refused",
    ]
    assert (error.hint or "").startswith("The download was discarded")


def test_the_error_of_another_process_is_the_same() -> None:
    wrong = Failure(url=_ONE, cause="sha256 mismatch", kind="integrity", digest=_GOT)
    for failures in ([wrong], [Failure(url=_TWO, cause="refused", retryable=True, attempts=4, hint="go on")]):
        error = download_error(_ASSET, failures)
        again = read_download_error(json.loads(json.dumps(error.message_to_parent())))
        assert (type(again), str(again), again.hint) == (type(error), str(error), error.hint)


def test_a_hint_is_shown_once() -> None:
    failures = [Failure(url=url, cause="x", hint="do this") for url in (_ONE, _TWO)]
    assert download_error(_ASSET, failures).hint == "do this"


@pytest.mark.parametrize(("other", "hint"), [("policy", "allow it"), ("network", "try again")])
def test_after_a_mismatch_hints_of_lesser_failures_are_not_shown(other: FailureKind, hint: str) -> None:
    lesser = Failure(url=_ONE, cause="x", kind=other, hint=hint)
    given = [lesser, Failure(url=_TWO, cause="y", kind="integrity", hint="report it")]
    assert download_error(_ASSET, given).hint == "report it"
    bare = [Failure(url=_TWO, cause="y", kind="integrity"), lesser]
    assert hint not in (download_error(_ASSET, bare).hint or "")


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
    kinds: tuple[FailureKind, ...], error: type[ProvisionError], code: int
) -> None:
    given = download_error(_ASSET, [Failure(url=_ONE, cause="x", kind=kind) for kind in kinds])
    assert isinstance(given, error)
    assert given.exit_code == code


def _unreachable(*causes: str) -> ProvisionError:
    return download_error(_ASSET, [Failure(url=_ONE, cause=cause, retryable=True, attempts=4) for cause in causes])


def test_downloads_that_no_source_sent_are_one_error() -> None:
    failed = [(["default"], _unreachable("host name not found")), (["a", "b"], _unreachable("host name not found"))]
    (error,) = merge_unreachable(failed, total=3)
    assert str(error).splitlines() == [
        "cannot download 2 of 3 archives",
        "default  cpython 3.13.5+20261101 linux-x86_64",
        "a, b     cpython 3.13.5+20261101 linux-x86_64",
        "All sources failed, each after 4 attempts:",
        "one.example  host name not found",
    ]
    assert error.exit_code == 6
    assert (error.hint or "").count("Check the network") == 1


def test_other_errors_are_not_merged() -> None:
    placed, other = _unreachable("x"), UsageError("y")
    placed.place = Place("pythons.toml", 7)
    found = merge_unreachable([(["a"], placed), (["b"], _unreachable("x")), (["c"], other)], total=3)
    assert [str(error).splitlines()[0] for error in found] == [
        "pythons.toml:7: cannot download the archive of entry 'a'",
        "cannot download the archive of entry 'b'",
        "y",
    ]
