"""Twenty real changes of a lock, in a real repository, reviewed in every format and compared with golden files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from provision.cli.console import Console
from provision.cli.present.diff import diff_lines
from provision.review.diff_formats import diff_annotations, diff_document
from provision.review.diff_markdown import markdown_comment
from provision.review.diff_page import html_page
from provision.review.review import Review
from provision.workflows.diff import diff
from provision.workflows.options import Options
from tests.conftest import Golden
from tests.review.history import STEPS, make_repository
from tests.support.schemas import read_schema

GOLDEN = Path(__file__).parent / "golden"
NUMBERS = range(1, len(STEPS) + 1)
PLAIN = Console(environ={"NO_COLOR": "1"})


@pytest.fixture(scope="session")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> list[Review]:
    """What `provision diff step-4 step-5` compares, for each step; before the first there is no lock."""
    directory = tmp_path_factory.mktemp("history") / "repository"
    make_repository(directory)
    options = Options.of({"HOME": str(directory)})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        olds = ["/dev/null", *(f"step-{number - 1}" for number in NUMBERS[1:])]
        return [diff(options, old, f"step-{number}") for number, old in zip(NUMBERS, olds, strict=True)]


def golden_path(number: int, ending: str) -> Path:
    return (
        GOLDEN
        / f"{number:02}-{STEPS[number - 1].title.replace(' ', '-').replace(',', '').replace(chr(39), '')}.{ending}"
    )


@pytest.mark.parametrize("number", NUMBERS)
def test_the_terminal_output_is_the_recorded_one(reviews: list[Review], number: int, golden: Golden) -> None:
    found = reviews[number - 1]
    wide = diff_lines(found, PLAIN, width=10_000)
    narrow = diff_lines(found, PLAIN, width=60)
    golden(golden_path(number, "txt"), "\n".join([*wide, "", "=" * 60, "", *narrow, ""]))


@pytest.mark.parametrize("number", NUMBERS)
def test_the_markdown_comment_is_the_recorded_one(reviews: list[Review], number: int, golden: Golden) -> None:
    golden(golden_path(number, "md"), markdown_comment(reviews[number - 1]))


@pytest.mark.parametrize("number", NUMBERS)
def test_the_html_page_is_the_recorded_one(reviews: list[Review], number: int, golden: Golden) -> None:
    """Without style, script and their digests, which do not depend on the step."""
    text = html_page(reviews[number - 1])
    text = re.sub(r"<(style|script)>.*?</\1>", r"<\1></\1>", text, flags=re.DOTALL)
    golden(golden_path(number, "html"), re.sub(r"sha256-[A-Za-z0-9+/=]{44}", "sha256-…", text))


@pytest.mark.parametrize("number", NUMBERS)
def test_the_json_document_is_the_recorded_one(reviews: list[Review], number: int, golden: Golden) -> None:
    document = diff_document(reviews[number - 1])
    jsonschema.validate(document, read_schema("pythons-diff"))
    golden(golden_path(number, "json"), json.dumps(document, indent=1) + "\n")


@pytest.mark.parametrize("number", NUMBERS)
def test_the_github_annotations_are_the_recorded_ones(reviews: list[Review], number: int, golden: Golden) -> None:
    found = reviews[number - 1]
    commands = diff_annotations(found)
    golden(golden_path(number, "github"), "\n".join([*commands, ""]))
    lines = found.new.text.splitlines()
    for command in commands:
        match = re.match(r"::\w+ file=pythons\.lock,line=(\d+),title=([^:]*)::", command)
        assert match is not None
        name = match[2].removeprefix("alarm%3A ").removeprefix("warning%3A ").removeprefix("notice%3A ").split("%2C")[0]
        if f'name = "{name}"' in found.new.text:
            assert _entry_of(lines, int(match[1])) == name


def _entry_of(lines: list[str], number: int) -> str:
    """The name of the entry that a line of a lock belongs to."""
    start = max(index for index, line in enumerate(lines[:number]) if line == "[[python]]")
    return lines[start + 1].split('"')[1]


EXPECTED: dict[int, dict[str, tuple[str, ...]]] = {
    1: {"default": ()},
    2: {"default": ("request", "targets")},
    3: {"default": ("build", "options", "url", "sha256", "origin")},
    4: {"default": ("version", "build", "url", "sha256")},
    5: {"free": ()},
    6: {"default": ("version", "build", "flavor", "request", "url", "sha256")},
    7: {"default": ("options", "request", "targets", "url", "sha256")},
    9: dict.fromkeys(("default", "fast", "free"), ("request", "targets")),
    10: {"default": ("tree", "request")},
    11: {"other": ()},
    12: {"other": ("implementation", "version", "build", "request", "host", "origin", "url", "sha256")},
    14: {"free": ("version", "build", "flavor", "request", "url", "sha256")},
    15: {"free": ("build", "request", "url", "sha256")},
    16: {"next": ()},
    17: {"next": ("version", "build", "url", "sha256")},
    18: {"other": ()},
}


@pytest.mark.parametrize("number", EXPECTED)
def test_each_diff_has_the_aspects_that_were_changed(reviews: list[Review], number: int) -> None:
    """Expectations that a person wrote, in addition to the golden files, which a program wrote."""
    found = {entry.name: set(entry.aspects) for entry in reviews[number - 1].diff.entries}
    expected = {name: set(aspects) - {"origin"} for name, aspects in EXPECTED[number].items()}
    assert {name: aspects - {"origin", "size", "published"} for name, aspects in found.items()} == expected


ALARMS = {20: {"host"}}


@pytest.mark.parametrize("number", NUMBERS)
def test_only_the_custom_archive_raises_an_alarm(reviews: list[Review], number: int) -> None:
    found = reviews[number - 1]
    assert {each.kind for each in found.notices if each.severity == "alarm"} == ALARMS.get(number, set())
