"""Why an entry is locked as it is, as people and machines read it."""

from __future__ import annotations

import json
from datetime import date

import pytest

from provision.errors import ResolutionError
from provision.lock.explain import Explanation, explain
from provision.lock.explained import explanation_document, explanation_lines
from provision.lock.lock import LockedPython
from provision.manifest.manifest import Request
from tests.lock.samples import HOST, asset, builds, catalog, lock, own, request

TODAY = date(2026, 11, 1)
ROWS = (
    *builds("3.14.2+20260127", flavors=("full", "install_only", "install_only_stripped")),
    *builds("3.14.7+20260814"),
    *(row for row in builds("3.14.9+20261021") if row.target.os != "windows"),
    *builds("3.15.0+20261021"),
    asset("3.14.7+20260814", options="freethreaded+pgo+lto"),
    asset("3.14.7+20260814", options="debug", flavor="full"),
    asset("3.10.4+20220502"),
)
FOUR = 'targets = ["linux-x86_64", "linux-aarch64", "macos-aarch64", "windows-x86_64"]'


def explained(wanted: Request, python: LockedPython | None = None) -> Explanation:
    return explain(wanted, python, catalog(*ROWS), host=HOST, today=TODAY)


def test_what_would_be_locked() -> None:
    wanted = request('{ version = "3.14", cooldown = "1 day" }', settings=FOUR)
    assert "\n".join(explanation_lines(explained(wanted))) == (
        "default would be locked: cpython 3.14.7+20260814 install_only_stripped\n"
        "  asked  CPython 3.14, for linux-aarch64, linux-x86_64, macos-aarch64, windows-x86_64\n"
        "  fits   26  CPython\n"
        "         21  version 3.14, final releases\n"
        "         21  out for 1 day\n"
        "         19  with the GIL, not debug\n"
        "         19  for linux-aarch64, linux-x86_64, macos-aarch64, windows-x86_64\n"
        "         19  cpu baseline\n"
        "  taken  version 3.14.7 is 1 behind the newest of 3 versions that 3.14 allows\n"
        "         build 20260814 is the only build of 3.14.7\n"
        "         flavor install_only_stripped is the first that fits of install_only_stripped, install_only, full\n"
        "         pgo+lto: best that fits for linux-aarch64, linux-x86_64, macos-aarch64\n"
        "         pgo: best that fits for windows-x86_64\n"
        "  newer  3.14.7+20260814 rather than 3.14.9+20261021, which has no windows-x86_64\n"
        "         CPython 3.15.0 is the newest there is; 3.14 does not allow it\n"
        "  note   needs glibc 2.17 or newer: linux-aarch64, linux-x86_64"
    )


def test_what_is_locked_and_what_an_upgrade_would_take() -> None:
    wanted = request('"3.14"', settings=FOUR)
    locked = lock('default = "3.14"', *builds("3.14.2+20260127"), settings=FOUR).pythons[0]
    explanation = explained(wanted, locked)
    assert explanation.locked
    assert explanation.python == locked
    assert explanation.reasons[0] == "version 3.14.2 is 2 behind the newest of 3 versions that 3.14 allows"
    assert explanation.newer[0] == "`provision lock --upgrade default` would take 3.14.7+20260814"


def test_what_was_asked_for_was_not_preferred() -> None:
    wanted = request('{ version = "3.14.2", build = "20260127", flavor = "full", build-options = ["pgo", "lto"] }')
    explanation = explained(wanted)
    assert explanation.asked == "CPython 3.14.2 of build 20260127, pgo+lto full, for linux-x86_64"
    assert [f"{step.assets} {step.asked}" for step in explanation.steps] == [
        "26 CPython",
        "12 version 3.14.2, final releases",
        "12 build 20260127",
        "12 with the GIL, not debug",
        "3 for linux-x86_64",
        "3 cpu baseline",
        "1 flavor full",
        "1 optimised as pgo+lto",
    ]
    assert explanation.reasons == (
        "version 3.14.2 is asked for",
        "build 20260127 is asked for",
        "flavor full is asked for",
        "pgo+lto: best that fits for linux-x86_64",
    )


def test_a_locked_entry_that_nothing_answers_any_more_is_explained_all_the_same() -> None:
    gone = lock('default = "3.9"', asset("3.9.1+20201231")).pythons[0]
    explanation = explained(request('"3.9"'), gone)
    assert explanation.newer[0] == "nothing known answers the request any more"
    assert explanation.reasons[1] == "build 20201231 is not in the catalog"


def test_what_is_neither_locked_nor_could_be_is_refused() -> None:
    with pytest.raises(ResolutionError, match=r"there is no CPython 3\.9"):
        explained(request('"3.9"'))


def test_archives_of_ones_own_need_no_reason() -> None:
    explanation = explained(own({"linux-x86_64": "https://example.com/python.tar.gz"}))
    assert explanation.reasons == ("the manifest names its archives by URL: python.tar.gz",)
    assert explanation.steps == ()


def test_the_document_for_machines_says_the_same() -> None:
    explanation = explained(request('"3.14t"'))
    document = json.loads(json.dumps(explanation_document(explanation)))
    assert document["version"] == 1
    assert document["name"] == "default"
    assert document["locked"] is False
    assert document["python"]["build-options"] == ["freethreaded", "lto", "pgo"]
    assert document["python"]["assets"][0]["target"] == "x86_64-unknown-linux-gnu"
    assert document["steps"][2] == {"asked": "free-threaded, not debug", "assets": 1}
    assert document["warnings"] == ["needs glibc 2.17 or newer: linux-x86_64"]
