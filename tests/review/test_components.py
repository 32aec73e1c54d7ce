"""Thirty changes between published builds: what changed inside, in every format.

The golden file was checked by hand against PBS's files at the tags.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provision.catalog.catalog import Catalog
from provision.catalog.components import bundled_table
from provision.catalog.snapshot import bundled_snapshot
from provision.cli.console import Console
from provision.cli.present.diff import diff_lines, present_diff
from provision.lock.lock import LockedPython
from provision.model.asset import Asset
from provision.model.target import Target
from provision.model.tree import TreeOptions
from provision.model.value import replace
from provision.model.version import Version
from provision.review.components import ComponentChange, compare_components, gap_words
from provision.review.diff_formats import diff_annotations, diff_document
from provision.review.diff_markdown import markdown_comment
from provision.review.diff_page import html_page
from provision.review.review import Review
from tests.conftest import Golden
from tests.lock.samples import digest
from tests.review.samples import lock, review

REPOSITORY = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden" / "components.txt"
GNU, MUSL, I686 = "linux-x86_64", "linux-x86_64-musl", "linux-i686"
MAC, WINDOWS, WINDOWS_ARM = "macos-aarch64", "windows-x86_64", "windows-aarch64"

# version+build before and after, and the targets that are locked
CHANGES = (
    # the Unix rules
    ("3.9.6+20210724", "3.9.7+20211017", (GNU, MUSL)),
    ("3.9.7+20211017", "3.9.10+20220227", (GNU, MAC)),
    ("3.9.15+20221106", "3.9.16+20230507", (GNU, I686, MUSL)),
    ("3.10.4+20220528", "3.10.9+20230116", (GNU, MAC, WINDOWS)),
    ("3.8.13+20220802", "3.8.15+20221106", (GNU,)),
    ("3.11.1+20230116", "3.11.3+20230507", (GNU, MUSL)),
    ("3.11.5+20230826", "3.11.6+20231002", (GNU, WINDOWS)),
    ("3.10.13+20230826", "3.10.13+20240224", (GNU, WINDOWS)),
    ("3.12.0+20231002", "3.12.2+20240224", (GNU, MUSL)),
    ("3.12.5+20240814", "3.12.6+20240909", (GNU, WINDOWS)),
    ("3.11.9+20240814", "3.11.10+20240909", (GNU, WINDOWS)),
    ("3.13.1+20250106", "3.13.1+20250115", (GNU, WINDOWS)),
    ("3.13.2+20250205", "3.13.2+20250311", (MUSL,)),
    ("3.13.5+20250630", "3.13.5+20250708", (GNU, MAC, WINDOWS)),
    ("3.14.0b3+20250630", "3.14.0b4+20250708", (GNU, MAC, WINDOWS)),
    ("3.13.6+20250807", "3.13.6+20250808", (GNU, MAC)),
    ("3.11.13+20250902", "3.11.13+20250918", (GNU, MUSL, MAC, WINDOWS)),
    ("3.10.18+20250902", "3.10.18+20250918", (GNU, WINDOWS)),
    ("3.13.7+20250918", "3.13.9+20251014", (GNU, MAC)),
    ("3.13.11+20251217", "3.13.11+20260113", (GNU, MAC)),
    ("3.14.2+20251217", "3.14.2+20260113", (GNU, MAC, WINDOWS)),
    # the Windows rules
    ("3.13.5+20250612", "3.13.5+20250630", (WINDOWS, WINDOWS_ARM)),
    ("3.14.0a6+20250409", "3.14.0a7+20250517", (WINDOWS,)),
    ("3.14.0a7+20250529", "3.14.0b1+20250604", (WINDOWS, GNU)),
    ("3.14.5+20260510", "3.14.5+20260602", (WINDOWS, WINDOWS_ARM)),
    ("3.14.6+20260728", "3.14.6+20260804", (GNU, WINDOWS)),
    ("3.12.0+20231002", "3.13.0+20241008", (WINDOWS,)),
    ("3.14.5+20260602", "3.14.6+20260610", (GNU, MUSL, MAC, WINDOWS)),
    # tags of which little or nothing is known
    ("3.14.7+20260814", "3.14.10+20261110", (GNU, MAC)),
    ("3.14.9+20261021", "3.14.10+20261110", (GNU,)),
    ("3.14.8+20261013", "3.14.9+20261021", (GNU,)),
)


def entry(title: str, targets: tuple[str, ...]) -> LockedPython:
    """An entry with made up digests at the URLs that PBS publishes at."""
    version, _, build = title.partition("+")
    assets = [
        Asset(
            implementation="cpython",
            version=Version.parse(version),
            build=build,
            target=Target.parse(target),
            flavor="install_only_stripped",
            url=f"https://github.com/astral-sh/python-build-standalone/releases/download/{build}/x-{target}.tar.gz",
            sha256=digest(f"{title} {target}"),
        )
        for target in targets
    ]
    return LockedPython.of("default", digest("request"), assets, TreeOptions())


def reviewed(before: LockedPython, after: LockedPython) -> Review:
    made = review(lock(before), lock(after))
    return replace(made, components=compare_components(made.diff, bundled_table()))


def lines(found: tuple[ComponentChange, ...]) -> list[str]:
    return [f"  {each.names}: {each.versions} ({each.where})" for each in found]


def test_changed_components_of_thirty_builds_are_listed(golden: Golden) -> None:
    text = []
    for before, after, targets in CHANGES:
        found = reviewed(entry(before, targets), entry(after, targets)).components
        text += [f"{before} to {after}", *(lines(found) or ["  nothing"]), ""]
    golden(GOLDEN, "\n".join(text))


def test_each_of_those_builds_was_published() -> None:
    catalog = Catalog(sources=(bundled_snapshot(),))
    for change in CHANGES:
        for title in change[:2]:
            version, _, build = title.partition("+")
            found = catalog.assets("cpython", Version.parse(version), build)
            assert found, title


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("3.14.7+20260814", "3.14.10+20261110", "build 20261110 is newer than the component list of 20260814"),
        ("3.14.9+20261021", "3.14.10+20261110", "build 20261110 is newer than the component list of 20260814"),
        ("3.13.1+20250115", "3.13.1+20250116", "the component list does not have build 20250116"),
        ("3.13.13+20260602", "3.13.14+20260610", ""),
    ],
)
def test_unknown_components_have_a_reason_and_a_hint(before: str, after: str, why: str) -> None:
    changed = reviewed(entry(before, (GNU, MAC)), entry(after, (GNU, MAC)))
    words = gap_words(changed.diff, bundled_table())
    assert words == (f"not all components are known: {why}; run `provision catalog update`" if why else "")
    found = replace(changed, gap=words)
    for text in (markdown_comment(found), html_page(found)):
        assert ("run `provision catalog update`." in text) is bool(why)
    answer = present_diff(found, Console(), "text", exit_code=False)
    assert (words in answer.remarks) is bool(why)
    assert len(answer.remarks) == 1 + bool(why)


SECURITY = (entry("3.13.13+20260602", (GNU, WINDOWS)), entry("3.13.14+20260610", (GNU, WINDOWS)))


def test_every_format_shows_the_same_lines() -> None:
    found = reviewed(*SECURITY)
    (openssl,) = [change for change in found.components if change.names == "openssl"]
    assert (openssl.versions, openssl.where) == ("3.5.6 → 3.5.7", "all")
    assert "openssl 3.5.6 → 3.5.7 (all)" in {" ".join(line.split()) for line in diff_lines(found, Console(), width=99)}
    assert "| **default** | openssl | `3.5.6` | `3.5.7` | all |" in markdown_comment(found)
    document = json.loads(json.dumps(diff_document(found)))
    assert {
        "entry": "default",
        "components": ["openssl"],
        "old": "3.5.6",
        "new": "3.5.7",
        "targets": ["all"],
    } in document["components"]
    assert any("inside: openssl 3.5.6 → 3.5.7 (all)" in line for line in diff_annotations(found))
    assert ">3.5.6</td>" in html_page(found).partition("What is inside</h2>")[2]


def test_the_docs_show_the_printed_output() -> None:
    shown = "\n".join(diff_lines(reviewed(*SECURITY), Console(environ={"NO_COLOR": "1"}), width=120))
    assert f"$ provision diff\n{shown}\n```" in (REPOSITORY / "docs/reviewing.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [60, 80, 200])
def test_lines_fit_the_terminal(width: int) -> None:
    found = reviewed(entry("3.14.7+20260814", (GNU, MAC)), entry("3.14.10+20261110", (GNU, MAC)))
    shown = diff_lines(found, Console(), width=width)
    inside = shown[shown.index("inside default:") :]
    assert max(map(len, inside)) <= width
    assert any(" → not known" in line for line in inside)


def test_archives_that_pbs_did_not_publish_are_not_known() -> None:
    def elsewhere(python: LockedPython) -> LockedPython:
        moved = (replace(each, url=each.url.replace("astral-sh", "somebody")) for each in python.assets)
        return replace(python, assets=tuple(moved))

    (change,) = reviewed(*map(elsewhere, SECURITY)).components
    assert (change.names, change.versions) == ("all components", "not known")


def test_rows_of_the_same_build_have_the_same_components() -> None:
    before = SECURITY[0]
    assert reviewed(before, replace(before, request=digest("another"))).components == ()
