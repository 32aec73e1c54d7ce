"""The page: what it may load and run; and in a real browser: wide, narrow, light, dark, by keyboard."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from provision.catalog.components import bundled_table
from provision.lock.read import parse_lock
from provision.model.value import replace
from provision.review.advisory_changes import compare_advisories
from provision.review.components import compare_components
from provision.review.diff_page import html_page
from provision.review.review import DiffSide, Review
from tests.lock.samples import digest, python
from tests.review.attacks import downgrade, honest, pictured
from tests.review.samples import HOSTILE, edited, lock, moved, review, with_details
from tests.review.test_audit_advisories import NEW_OPENSSL, index
from tests.review.test_components import GNU, WINDOWS, entry
from tests.support.browser import RUN_AXE, Tab, broken_rules, pictures


def busy() -> Review:
    """One entry of each kind."""
    default, alarming = python(), python(name="alarming")
    return review(
        lock(default, alarming, python(name="same"), python(name="went")),
        lock(
            moved(default, "3.14.8+20260901"),
            edited(alarming, sha256=digest("other")),
            python(name="same"),
            python(name="came"),
        ),
    )


def inside() -> Review:
    """What is inside two builds, one locked for fewer targets; one fixes an advisory, the other introduces it."""
    older, newer = "3.13.13+20260602", "3.13.14+20260610"
    sides = [
        lock(replace(entry(first, (GNU, WINDOWS)), name="default"), replace(entry(second, (GNU,)), name="older"))
        for first, second in ((older, newer), (newer, older))
    ]
    made = review(*sides)
    table = bundled_table()
    return replace(
        made,
        components=compare_components(made.diff, table),
        advisories=compare_advisories(made.diff, index(NEW_OPENSSL), table),
    )


def test_differences_inside_trees_are_in_the_section_of_the_entry() -> None:
    text = html_page(with_details())
    assert "<summary>Inside, on macos-aarch64</summary>" in text
    cells = re.findall(r">([^<>]*)</(?:td|th)>", text.partition("Inside, on")[2])
    assert cells[:6] == ["Library", "Before", "After", "OpenSSL", "–", "3.5.1"]
    assert cells[6:] == ["Folder", "Added", "Removed", "Changed", "Such as", "lib/ssl", "1", "2", "3", "a.py"]


def test_an_alarm_shows_url_and_both_digests_unfolded_and_is_never_green() -> None:
    text = html_page(pictured())
    attention = text.partition('id="attention"')[2].partition("</section>")[0]
    assert "<details" not in attention
    assert re.findall(r"<code>([0-9a-f]{4})[0-9a-f]{60}</code>", attention)[1::2] == ["7c0f", "5bd1"]
    assert "https://gith<mark>a</mark>b.com/astral-sh" in attention
    rows = re.findall(r'<th scope="row">([^<]*)</th>.*?<td class="(after|alarm) mono"[^>]*>(.*?)</td>', text)
    assert ("host", "alarm", 'gith<mark>a</mark>b.com <span class="resembles">resembles github.com</span>') in rows
    assert {style for what, style, _ in rows if what in {"host", "sha256 only"}} == {"alarm"}
    assert {style for what, style, _ in rows if what == "version up"} == {"after"}


def test_an_alarm_about_an_entry_shows_its_archives_once() -> None:
    """A downgrade concerns all archives; those that another alarm has shown are not repeated."""
    before, attacked = honest(), downgrade(honest())
    sides = (
        DiffSide(label=name, lock=parse_lock(text, name).lock, text=text)
        for name, text in (("old", before), ("new", attacked))
    )
    text = html_page(Review.of(*sides))
    attention = text.partition('id="attention"')[2].partition("</section>")[0]
    shown = re.findall(r"<code>([0-9a-f]{64})</code>", attention)
    assert len(shown) == len(set(shown)) == 2 * attention.count("<strong>") > 0
    rows = dict(re.findall(r'<th scope="row">([^<]*)</th>.*?<td class="(after|alarm) mono"', text))
    assert rows["version down"] == "alarm"


def test_counts_name_the_counted_things() -> None:
    counts = re.findall(r'<li class="pill[^"]*">([^<]*)</li>', html_page(busy()))
    assert counts == [
        "1 alarm",
        "1 notice",
        "2 entries changed",
        "1 entry added",
        "1 entry removed",
        "1 entry unchanged, not shown",
    ]


def written(tmp_path: Path, found: Review) -> Path:
    path = tmp_path / "review.html"
    path.write_text(html_page(found), encoding="utf-8")
    return path


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_the_window_without_errors(tab: Tab, tmp_path: Path, width: int, dark: bool) -> None:
    tab.complaints.clear()
    tab.open(written(tmp_path, busy()), width=width, dark=dark)
    assert tab.ask("document.documentElement.scrollWidth") <= width
    assert tab.complaints == []
    colour = tab.ask("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, colour[4:-1].split(","))) < 3 * 128) == dark
    picture = pictures(tmp_path) / f"review-{width}-{'dark' if dark else 'light'}.png"
    tab.screenshot(picture)
    assert picture.stat().st_size > 10_000


@pytest.mark.slow
def test_axe_finds_no_accessibility_problems(any_tab: Tab, axe: str, tmp_path: Path) -> None:
    """Wide and narrow, light and dark, everything unfolded."""
    reviews = {"busy": busy(), "attacked": pictured(), "inside": inside()}
    assert not [
        each for name, made in reviews.items() for each in broken_rules(any_tab, axe, written(tmp_path, made), name)
    ]
    any_tab.ask("document.querySelector('.sides').style.color = '#777'; document.documentElement.lang = ''")
    assert {each[0] for each in any_tab.ask(RUN_AXE)} >= {"html-has-lang"}  # it does look


def test_touch_and_narrow_windows_have_their_hints(tab: Tab, tmp_path: Path) -> None:
    page = written(tmp_path, pictured())
    for width, keys, scrolls in ((1280, True, False), (390, False, True)):
        tab.open(page, width=width)
        display = "getComputedStyle(document.querySelector('{}')).display !== 'none'"
        assert tab.ask(display.format(".keys")) is keys
        assert tab.ask(display.format("#scrolls")) is scrolls
    tab.open(written(tmp_path, inside()), width=390)
    assert tab.ask("[...document.querySelectorAll('.none')].map((each) => each.innerText)") == ["not locked"]
    assert tab.ask("document.getElementById('scrolls').hidden") is True  # two columns fit


def test_the_filter_also_searches_differences_inside_trees(tab: Tab, tmp_path: Path) -> None:
    tab.open(written(tmp_path, inside()), width=1280)
    rows = "document.querySelectorAll('section.filtered tbody tr:not([hidden]) th')"
    entries = f"[...new Set([...{rows}].map((each) => each.textContent))]"
    groups = "[...document.querySelectorAll('section.filtered div:not([hidden]) > h3')].map((each) => each.textContent)"
    assert tab.ask(entries) == ["default", "older"]
    assert tab.ask(groups) == ["default closes 1 advisory", "older opens 1 advisory"]
    tab.press("/", "/")
    tab.type("older")
    assert tab.ask(entries) == ["older"]
    assert tab.ask(groups) == ["older opens 1 advisory"]
    tab.type("zzz")
    assert tab.ask("document.querySelector('section.filtered').hidden") is True


def test_a_picture_of_the_page_is_taken_for_the_docs(tab: Tab, tmp_path: Path) -> None:
    tab.open(written(tmp_path, pictured()), width=1280)
    tab.screenshot(pictures(tmp_path) / "diff.png", most=1250)
    assert {"alarm"} <= set(tab.ask("[...document.querySelectorAll('.pill')].map(x => x.textContent)"))


def shown(tab: Tab) -> list[str]:
    names: list[str] = tab.ask("[...document.querySelectorAll('article:not([hidden]) h3')].map(x => x.textContent)")
    return names


def test_the_filter_can_be_used_by_keyboard(tab: Tab, tmp_path: Path) -> None:
    tab.open(written(tmp_path, busy()), width=1280)
    assert shown(tab) == ["alarming", "came", "default", "went"]
    tab.press("/", "/")
    assert tab.ask("document.activeElement.id") == "search"
    tab.type("3.14.8")
    assert shown(tab) == ["default"]
    assert tab.ask("document.getElementById('count').textContent") == "1 of 4 entries shown"
    assert tab.ask("document.querySelectorAll('.matrix tbody tr:not([hidden])').length") == 1
    tab.type("zzz")
    assert shown(tab) == []
    assert tab.ask("document.getElementById('none').hidden") is False
    tab.press("Escape")
    assert len(shown(tab)) == 4
    tab.ask(
        "const show = document.getElementById('show'); show.value = 'alarm'; show.dispatchEvent(new Event('change'))"
    )
    assert shown(tab) == ["alarming"]


def test_digests_can_be_copied_by_keyboard(tab: Tab, tmp_path: Path) -> None:
    tab.open(written(tmp_path, busy()), width=1280)
    tab.ask("document.querySelector('details').open = true; document.querySelector('button.copy').focus()")
    tab.ask("navigator.clipboard.writeText = async (text) => { window.copied = text; }; 1")
    wanted = tab.ask("document.activeElement.dataset.copy")
    tab.press("Enter")
    assert tab.ask("window.copied") == wanted
    assert len(wanted) == 64
    assert tab.ask("document.activeElement.textContent") == "Copied"
    tab.ask("navigator.clipboard.writeText = async () => { throw 0; }; document.execCommand = () => false; 1")
    tab.press("Enter")
    assert tab.ask("document.activeElement.textContent") == "Not copied"


def test_every_control_has_a_name_and_a_place_in_the_order(tab: Tab, tmp_path: Path) -> None:
    tab.open(written(tmp_path, busy()), width=1280)
    tree = tab.send("Accessibility.getFullAXTree")["nodes"]
    named = {"button", "link", "searchbox", "combobox", "region", "heading", "table", "article", "columnheader"}
    roles = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if not node.get("ignored")]
    assert {role for role, name in roles if role in named and not name} <= {"table"}
    assert ("heading", "What to look at") in roles
    visited = []
    for _ in range(8):
        tab.press("Tab")
        visited.append(
            tab.ask("document.activeElement.className || document.activeElement.id || document.activeElement.tagName")
        )
    assert list(dict.fromkeys(visited))[:5] == ["skip", "copy", "search", "show", "scroll"]


def test_without_scripts_the_whole_content_is_shown(tab: Tab, tmp_path: Path) -> None:
    tab.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        tab.open(written(tmp_path, busy()), width=1280)
        assert len(shown(tab)) == 4
        assert tab.ask("getComputedStyle(document.querySelector('.tools')).display") == "none"
    finally:
        tab.send("Emulation.setScriptExecutionDisabled", value=False)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_not_executed(tab: Tab, tmp_path: Path, text: str) -> None:
    tab.complaints.clear()
    spoiled = replace(edited(python(), url=f"https://{text}/x"), name=text)
    found = Review.of(DiffSide(label=text), DiffSide(label=text, lock=lock(spoiled)), file=text)
    tab.open(written(tmp_path, found), width=390)
    assert tab.complaints == []
    assert tab.ask("document.scripts.length") == 1
    assert tab.ask("document.images.length + document.querySelectorAll('a:not([href^=\"#\"])').length") == 0
    assert tab.ask("document.documentElement.scrollWidth") <= 390
