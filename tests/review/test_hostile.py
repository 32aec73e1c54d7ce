"""No text of a lock acts as markup or as a command, in a terminal, a workflow's log, a comment or a browser."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings

from provision.cli.console import Console
from provision.cli.present.diff import diff_lines
from provision.review.diff_formats import diff_annotations
from provision.review.diff_markdown import LIMIT, markdown_comment
from provision.review.diff_page import html_page
from provision.review.review import DiffSide, Review
from tests.lock.samples import python
from tests.review.samples import HOSTILE, hostile_reviews, lock

PLAIN = Console(environ={"NO_COLOR": "1"})
slow_is_fine = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)

# Every tag and attribute that the page itself is made of.
_TAGS = (
    "html head meta title style body a header h1 h2 h3 p code ul li main section span div label input select option "
    "output table thead tbody tr th td article details summary strong button footer script mark"
)
_ATTRIBUTES = (
    "lang charset http-equiv content name href class id aria-labelledby aria-live aria-label aria-hidden role tabindex "
    "hidden type autocomplete spellcheck value scope data-text data-kinds data-label data-copy data-of "
    "data-one data-many"
)
TAGS, ATTRIBUTES = frozenset(_TAGS.split()), frozenset(_ATTRIBUTES.split())
VOID = frozenset({"meta", "input"})


class Page(HTMLParser):
    """Reads a page, and refuses what is not its own, or not closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.texts: list[str] = []
        self.scripts = 0
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        self.scripts += tag == "script"
        for name, value in attrs:
            assert name in ATTRIBUTES, name
            if name == "href":
                assert value is not None
                assert re.fullmatch(r"#[a-z0-9-]+", value)
            if name == "id":
                self.ids.append(value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in {"style", "script"}:
            self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def read(text: str) -> Page:
    parser = Page()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    assert parser.scripts == 1
    assert len(set(parser.ids)) == len(parser.ids)
    return parser


@given(hostile_reviews())
@slow_is_fine
def test_the_page_parses_and_contains_only_its_own_markup(found: Review) -> None:
    read(html_page(found))


@pytest.mark.parametrize("text", HOSTILE)
def test_the_page_shows_every_text_unchanged(text: str) -> None:
    found = Review.of(DiffSide(label=text), DiffSide(label="new", lock=lock(python())), file=text)
    shown = "".join(read(html_page(found)).texts)
    visible = text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    assert visible in shown


@given(hostile_reviews())
@slow_is_fine
def test_markdown_stays_under_the_limit_and_in_its_lines(found: Review) -> None:
    text = markdown_comment(found)
    assert len(text.encode()) <= LIMIT
    width = 0
    for line in text.split("\n"):
        assert re.match(r"(### |`|> |\| |\|( --- \|)+$|<details>|</details>|\*\d+ rows? left|[^\s<|#>`-]|$)", line), (
            line
        )
        assert line.replace("\u200b", "").isprintable()
        if line.startswith("|"):
            cells = line.count("|")  # a cell never holds one itself
            assert cells == (width or cells)
            width = cells
        else:
            width = 0
    assert text.count("<details>") == text.count("</details>")
    bare = re.sub(r"`[^`\n]*`", "", text)
    assert re.sub(r"</?(details|summary)>", "", bare).count("<") == 0
    assert "](" not in bare
    assert "://" not in bare
    assert "www." not in bare.lower()
    assert not re.search(r"(?<!&)[@#]\w", bare)


@given(hostile_reviews())
@slow_is_fine
def test_workflow_commands_are_one_line_each_and_no_others(found: Review) -> None:
    for command in diff_annotations(found):
        assert re.match(r"::(error|warning|notice) file=[^,:\r\n]*,line=\d+,title=[^,:\r\n]*::", command)
        assert "\n" not in command
        assert "\r" not in command


@given(hostile_reviews())
@slow_is_fine
def test_the_terminal_gets_printable_lines(found: Review) -> None:
    for width in (40, 10_000):
        for line in diff_lines(found, PLAIN, width=width):
            assert line.isprintable()
