"""Why an entry is locked to its build, for people and machines; warnings; how many assets are left."""

from __future__ import annotations

import json
from datetime import date

import pytest

from provision.errors import ResolutionError
from provision.lock.candidates import CatalogView, ResolvedRequest
from provision.lock.explain import Explanation, cautions, explain_entry, explanation_document, explanation_lines, funnel
from provision.lock.lock import LockedPython
from provision.manifest.manifest import Request
from provision.model.asset import Asset
from tests.lock.samples import AS_OF, HOST, asset, builds, catalog, custom_request, lock, python, request

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
    return explain_entry(wanted, python, catalog(*ROWS), host=HOST, today=TODAY)


def test_an_entry_that_is_not_locked_is_explained_as_it_would_be_locked() -> None:
    wanted = request('{ version = "3.14", cooldown = "1 day" }', settings=FOUR)
    assert "\n".join(explanation_lines(explained(wanted))) == (
        "default would be locked: cpython 3.14.7+20260814 install_only_stripped\n"
        "  asked  CPython 3.14, for linux-aarch64, linux-x86_64, macos-aarch64, windows-x86_64\n"
        "  fits   26  CPython\n"
        "         21  version 3.14, final releases\n"
        "         21  published at least 1 day ago\n"
        "         19  with the GIL, not debug\n"
        "         19  for linux-aarch64, linux-x86_64, macos-aarch64, windows-x86_64\n"
        "         19  cpu baseline\n"
        "  taken  version 3.14.7 is 1 behind the newest of 3 versions that 3.14 allows\n"
        "         build 20260814 is the only build of 3.14.7\n"
        "         flavor install_only_stripped is the first match of install_only_stripped, install_only, full\n"
        "         build options pgo+lto: best match for linux-aarch64, linux-x86_64, macos-aarch64\n"
        "         build options pgo: best match for windows-x86_64\n"
        "  newer  3.14.7+20260814, because 3.14.9+20261021 has no build for windows-x86_64\n"
        "         CPython 3.15.0 is the newest release; the request 3.14 excludes it\n"
        "  note   requires glibc 2.17 or newer: linux-aarch64, linux-x86_64"
    )


def test_a_locked_entry_is_explained_with_the_build_of_an_upgrade() -> None:
    wanted = request('"3.14"', settings=FOUR)
    locked = lock('default = "3.14"', *builds("3.14.2+20260127"), settings=FOUR).pythons[0]
    explanation = explained(wanted, locked)
    assert explanation.locked
    assert explanation.python == locked
    assert explanation.reasons[0] == "version 3.14.2 is 2 behind the newest of 3 versions that 3.14 allows"
    assert explanation.newer[0] == "`provision lock --upgrade default` would lock 3.14.7+20260814"


def test_each_requested_property_is_a_separate_reason() -> None:
    wanted = request('{ version = "3.14.2", build = "20260127", flavor = "full", build-options = ["pgo", "lto"] }')
    explanation = explained(wanted)
    assert explanation.requested == "CPython 3.14.2 of build 20260127, pgo+lto full, for linux-x86_64"
    assert [f"{step.assets} {step.requested}" for step in explanation.steps] == [
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
        "the manifest requests version 3.14.2",
        "the manifest requests build 20260127",
        "the manifest requests flavor full",
        "build options pgo+lto: best match for linux-x86_64",
    )


def test_a_locked_entry_that_no_asset_satisfies_any_longer_is_explained() -> None:
    gone = lock('default = "3.9"', asset("3.9.1+20201231")).pythons[0]
    explanation = explained(request('"3.9"'), gone)
    assert explanation.newer[0] == "no known build matches the request"
    assert explanation.reasons[1] == "build 20201231 is not in the catalog"


def test_an_entry_that_cannot_be_resolved_is_an_error() -> None:
    with pytest.raises(ResolutionError, match=r"no CPython 3\.9 is known here"):
        explained(request('"3.9"'))


def test_custom_archives_are_explained_by_their_urls() -> None:
    explanation = explained(custom_request({"linux-x86_64": "https://example.com/python.tar.gz"}))
    assert explanation.reasons == ("the manifest names its archives by URL: python.tar.gz",)
    assert explanation.steps == ()


def test_the_json_document_has_the_same_content() -> None:
    explanation = explained(request('"3.14t"'))
    document = json.loads(json.dumps(explanation_document(explanation)))
    assert document["version"] == 1
    assert document["name"] == "default"
    assert document["locked"] is False
    assert document["python"]["build-options"] == ["freethreaded", "lto", "pgo"]
    assert document["python"]["assets"][0]["target"] == "x86_64-unknown-linux-gnu"
    assert document["steps"][2] == {"asked": "free-threaded, not debug", "assets": 1}
    assert document["warnings"] == ["requires glibc 2.17 or newer: linux-x86_64"]


SPRING = date(2026, 5, 1)
MUSL = "linux-x86_64-musl"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([asset("3.14.2+20260127", MUSL, "lto")], []),
        (
            [asset("3.9.1+20260127", MUSL, "lto")],
            ["CPython 3.9 has been past its end of life since 2025-10-31 and gets no security fixes"],
        ),
        (
            [asset("3.10.1+20260127", "macos-aarch64")],
            [
                "CPython 3.10 gets security fixes only until 2026-10-31",
                "virtual environments made through a symbolic link to 3.10 do not find their standard library",
            ],
        ),
        ([asset("3.15.0rc1+20260127", MUSL, "lto")], ["3.15.0rc1 is a prerelease"]),
        (
            [asset("3.13.2+20250212", MUSL, "lto+static")],
            ["static builds cannot load extension modules: linux-x86_64-musl"],
        ),
        (
            [asset("3.14.2+20260127", MUSL, "lto", cpu="v3"), asset("3.14.2+20260127", MUSL, "lto", cpu="v4")],
            ["linux-x86_64-musl: requires an x86-64-v3 CPU; `provision sync` fails on older ones"],
        ),
        ([asset("3.14.2+20260127", MUSL, "lto"), asset("3.14.2+20260127", MUSL, "lto", cpu="v4")], []),
        (
            [asset("3.12.2+20260127"), asset("3.12.2+20260127", "linux-riscv64", "lto")],
            [
                "requires glibc 2.17 or newer: linux-x86_64",
                "requires glibc 2.28 or newer: linux-riscv64",
                "the module crypt requires the system's libcrypt.so.1",
            ],
        ),
        ([asset("3.14.2+20260127", "macos-x86_64")], ["requires macOS 10.15 or newer: macos-x86_64"]),
        ([asset("3.13.1+20241219", "macos-x86_64")], []),
        ([asset("3.11.13+7.3.20", implementation="pypy", flavor="install_only", options="")], []),
    ],
)
def test_cautions_are_given_for_locked_assets(rows: list[Asset], told: list[str]) -> None:
    assert list(cautions(python(*rows), SPRING)) == told


def counted(entry: str, *assets: Asset, settings: str = "") -> list[str]:
    resolved = ResolvedRequest.of(request(entry, settings=settings), None, host=HOST, catalog=catalog(as_of=AS_OF))
    return [f"{step.assets} {step.requested}" for step in funnel(resolved, CatalogView(catalog(*assets)))]


def test_each_requested_property_leaves_fewer_assets() -> None:
    rows = [
        asset(cpu="v3"),
        asset(),
        asset(flavor="full"),
        asset(options="noopt", flavor="full"),
        asset(options="debug", flavor="full"),
        asset(target="linux-aarch64"),
        asset("3.14.7+20261024"),
        asset("3.13.5+20250610"),
        asset("3.15.0rc1+20260814"),
        asset("3.11.13+7.3.20", implementation="pypy", options="", flavor="install_only"),
    ]
    entry = (
        '{ version = ">=3.14", build = "20260814", flavor = "full", build-options = ["noopt"], cooldown = "1 week" }'
    )
    assert counted(entry, *rows) == [
        "9 CPython",
        "7 version >=3.14, final releases",
        "6 build 20260814",
        "6 published at least 7 days ago",
        "5 with the GIL, not debug",
        "4 for linux-x86_64",
        "3 cpu baseline",
        "2 flavor full",
        "1 optimised as noopt",
    ]


def test_levels_preferred_by_the_settings_also_include_the_baseline() -> None:
    rows = [asset(), asset(cpu="v2"), asset(cpu="v3")]
    assert counted('"3.14"', *rows, settings='cpu = "v3"')[-1] == "2 cpu baseline, v3"
    assert counted('{ version = "3.14", cpu = "v3" }', *rows)[-1] == "1 cpu v3"
    assert counted('{ version = "3.14", cpu = "auto" }', *rows)[-1] == "3 cpu baseline, v2, v3, v4"


def test_a_requested_prerelease_is_counted() -> None:
    assert counted('"3.15.0rc1"', asset("3.15.0rc1+20260814"))[1] == "1 version 3.15.0rc1"
