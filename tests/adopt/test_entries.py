"""Entries made from mentions: one for each interpreter, named after it, and the messages if files disagree."""

from __future__ import annotations

import pytest

from provision.adopt.entries import Combined, combine
from provision.adopt.mention import Mention, Role
from provision.manifest.version_request import parse_foreign_request, parse_request
from provision.model.version import Version

KNOWN = {
    "cpython": [
        Version.parse(text)
        for text in ("3.15.0a1", "3.14.2", "3.13.5", "3.12.11", "3.12.5", "3.12.4", "3.11.9", "3.10.1", "3.8.20")
    ],
    "pypy": [Version.parse("3.11.13"), Version.parse("3.10.16")],
}


def mention(file: str, text: str, role: Role = "pin", key: str = "") -> Mention:
    return Mention(file=file, line=1, key=key, text=text, role=role, given=parse_foreign_request(text))


def planned(*mentions: Mention, **existing: str) -> Combined:
    return combine(mentions, KNOWN, {name: parse_request(text) for name, text in existing.items()})


def entries(combined: Combined) -> dict[str, str]:
    return {entry.name: str(entry.request) for entry in combined.entries}


def test_the_first_pin_is_the_default_and_the_others_follow_newest_first() -> None:
    combined = planned(
        *(mention("a", text) for text in ("3.11", "3.13t", "3.8", "pypy3.11", "3.14", "3.12.5", "3.13td"))
    )
    assert list(entries(combined).items()) == [
        ("default", "3.11"),
        ("py314", "3.14"),
        ("py312", "3.12.5"),
        ("py38", "3.8"),
        ("py313t", "3.13t"),
        ("py313td", "3.13td"),
        ("pypy311", "pypy3.11"),
    ]
    assert combined.disagreements == ()


def test_without_a_pin_the_default_is_the_newest_final_cpython() -> None:
    combined = planned(
        *(mention("tox.ini", text, "tested") for text in ("3.12", "pypy3.11", "3.15-dev", "3.14t", "3.13"))
    )
    assert entries(combined)["default"] == "3.13"


def test_several_versions_of_one_setting_are_several_entries() -> None:
    combined = planned(*(mention("a", text) for text in ("3.12.5", "3.12", "3.12.4", "3.12.5")), mention("b", "3.12"))
    assert entries(combined) == {"default": "3.12.5", "py312": "3.12", "py312-4": "3.12.4"}
    assert {each.file for each in combined.entries[1].mentions} == {"a", "b"}


def test_files_that_agree_give_one_entry_with_the_most_exact_request() -> None:
    combined = planned(mention("a", "3.12"), mention("b", ">=3.12,<3.13", "tested"), mention("c", "3.12.4"))
    assert entries(combined) == {"default": "3.12.4"}
    assert combined.disagreements == ()


def test_of_files_that_disagree_the_first_is_used() -> None:
    combined = planned(mention("a", "3.12.5"), mention("b", "3.12.4"), mention("c", "3.11"), mention("c", "3.12"))
    assert entries(combined) == {"default": "3.12.5", "py311": "3.11"}
    assert combined.disagreements == (
        "b:1 requests 3.12.4, a:1 requests 3.12.5; a takes precedence",
        "c:1 requests 3.11 (entry 'py311'), a:1 requests 3.12.5; entry 'default' has that of a",
    )


def test_a_version_locked_by_another_tool_does_not_narrow_a_request() -> None:
    assert entries(planned(mention("m", "3.12"), mention("l", "3.12.5", "locked"))) == {"default": "3.12"}
    assert entries(planned(mention("l", "3.12.5", "locked"))) == {"default": "3.12.5"}


def test_a_range_of_several_series_is_an_entry_only_if_no_other_satisfies_it() -> None:
    assert entries(planned(mention("a", "latest"), mention("b", "3.12"), mention("c", "3.14"))) == {
        "default": "3.12",
        "py314": "3.14",
    }
    assert entries(planned(mention("a", "latest"))) == {"default": "3"}
    assert entries(planned(mention("a", "^3.13"), mention("b", "3.12"))) == {"default": "3.12", "py3": ">=3.13,<4.0"}


@pytest.mark.parametrize("text", ["latest", "3.x", "3"])
@pytest.mark.parametrize("others", [("3.12",), ("3.12", "3.11.9"), ("3.11", "3.13")])
def test_latest_beside_other_versions_of_one_setting_is_an_entry(text: str, others: tuple[str, ...]) -> None:
    combined = planned(*(mention("mise.toml", each, key="tools.python") for each in (*others, text)))
    assert len(combined.entries) == len(others) + 1
    assert entries(combined)["py3"] == "3"


def test_latest_beside_versions_of_another_file_is_not_an_entry() -> None:
    setting = (mention("mise.toml", each, key="tools.python") for each in ("3.13", "latest"))
    assert entries(planned(*setting, mention("tox.ini", "3.12", "tested")))["py3"] == "3"


def test_latest_beside_the_newest_series_of_one_setting_is_that_series() -> None:
    combined = planned(*(mention("mise.toml", each, key="tools.python") for each in ("3.12", "3.14", "latest")))
    assert entries(combined) == {"default": "3.12", "py314": "3.14"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("a", "3.11"), ("b", "3.11.2")),
        (("b", "3.11.2"), ("a", "3.11")),
        (("a", ">=3.11,<3.12"), ("b", "3.11.2")),
    ],
)
def test_a_version_without_a_build_does_not_narrow_a_request(first: tuple[str, str], second: tuple[str, str]) -> None:
    combined = planned(mention(*first), mention(*second))
    wider = next(text for file, text in (first, second) if file == "a")
    assert entries(combined) == {"default": wider}
    (warning,) = combined.disagreements
    assert warning == f"b:1 requests 3.11.2, of which no build is known; the entry requests {wider}"


def test_a_range_is_an_entry_for_its_newest_series_or_a_limit_for_other_entries() -> None:
    supported = mention("p", ">=3.12.5,<4", "range")
    assert entries(planned(supported)) == {"default": "3.14"}
    combined = planned(mention("a", "3.12"), mention("t", "3.8", "tested"), supported)
    assert entries(combined) == {"default": "3.12", "py38": "3.8"}
    assert combined.disagreements == ("t:1 requests 3.8, which p:1 excludes (>=3.12.5,<4)",)
    capped = planned(mention("a", "3.12"), mention("p", "<3.12.11", "range"))
    assert entries(capped) == {"default": "<3.12.11,==3.12.*"} or entries(capped) == {"default": "==3.12.*,<3.12.11"}
    assert entries(planned(mention("a", "pypy3.10"), supported)) == {"default": "pypy3.10", "py314": "3.14"}


def test_ranges_that_exclude_each_other_are_a_disagreement() -> None:
    combined = planned(mention("p", ">=3.12", "range"), mention("q", "<3.12", "range"))
    assert entries(combined) == {"default": "3.14"}
    assert combined.disagreements == ("q:1 allows <3.12 only, which p:1 excludes",)


def test_existing_entries_satisfy_or_conflict_and_are_kept() -> None:
    combined = planned(
        mention("a", "3.12"), mention("b", "3.13.4"), mention("c", "3.11"), mention("d", "3.14"),
        default="3.12.11", new=">=3.13.5,<3.14", py311="3.8",
    )  # fmt: skip
    assert entries(combined) == {"py314": "3.14"}
    assert [(each.file, name) for each, name in combined.covered] == [("a", "default")]
    assert combined.conflicts == (
        "b:1 requests 3.13.4, entry 'new' requests >=3.13.5,<3.14",
        "c:1 requests 3.11, entry 'py311' requests 3.8",
    )


def test_without_versions_there_are_no_entries() -> None:
    assert planned() == Combined(entries=())
