"""The page: what it may load and run; and in a real browser: wide, narrow, light, dark, by keyboard."""

from __future__ import annotations

import base64
import hashlib
import html
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.model.value import replace
from provision.review.diff_page import html_page, html_text
from provision.review.review import DiffSide, Review
from tests.lock.samples import digest, python
from tests.review.attacks import pictured
from tests.review.browser import Tab, browse, find_browser
from tests.review.samples import HOSTILE, edited, lock, moved, review, with_details

# Where pictures of the page are kept to be looked at; nowhere without it.
PICTURES = "PROVISION_TEST_PICTURES"


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


def test_it_may_run_its_own_script_and_style_and_nothing_else() -> None:
    text = html_page(busy())
    policy = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    allowed = []
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        found = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode("ascii")
        allowed.append(f"{tag}-src 'sha256-{found}'")
    rest = "base-uri 'none'; form-action 'none'"
    assert [html.unescape(each) for each in policy] == [f"default-src 'none'; {'; '.join(allowed)}; {rest}"]


def test_what_differs_inside_of_trees_is_in_the_entrys_section() -> None:
    text = html_page(with_details())
    assert "<summary>Inside, on macos-aarch64</summary>" in text
    cells = re.findall(r">([^<>]*)</(?:td|th)>", text.partition("Inside, on")[2])
    assert cells[:6] == ["Library", "Before", "After", "OpenSSL", "–", "3.5.1"]
    assert cells[6:] == ["Folder", "Added", "Removed", "Changed", "Such as", "lib/ssl", "1", "2", "3", "lib/ssl/a.py"]


@pytest.mark.parametrize("text", ["<b>", '"', "'", "&", "\x1b[2J", "\u202e"])
def test_text_is_escaped_for_elements_and_attributes_alike(text: str) -> None:
    written = html_text(f"a{text}z")
    assert written.isprintable()
    assert not set("<>\"'") & set(written)
    assert html.unescape(written) in (f"a{text}z", ascii(f"a{text}z")[1:-1])


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    browser = find_browser()
    if browser is None:
        pytest.skip("there is no Chromium")
    with browse(browser, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def written(tmp_path: Path, found: Review) -> Path:
    path = tmp_path / "review.html"
    path.write_text(html_page(found), encoding="utf-8")
    return path


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_the_window_and_reports_no_error(tab: Tab, tmp_path: Path, width: int, dark: bool) -> None:
    tab.complaints.clear()
    tab.open(written(tmp_path, busy()), width=width, dark=dark)
    assert tab.ask("document.documentElement.scrollWidth") <= width
    assert tab.complaints == []
    colour = tab.ask("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, colour[4:-1].split(","))) < 3 * 128) == dark
    picture = Path(os.environ.get(PICTURES, tmp_path)) / f"review-{width}-{'dark' if dark else 'light'}.png"
    tab.screenshot(picture)
    assert picture.stat().st_size > 10_000


def test_the_picture_of_the_docs(tab: Tab, tmp_path: Path) -> None:
    tab.open(written(tmp_path, pictured()), width=1280)
    tab.screenshot(Path(os.environ.get(PICTURES, tmp_path)) / "diff.png", most=1250)
    assert {"alarm"} <= set(tab.ask("[...document.querySelectorAll('.pill')].map(x => x.textContent)"))


def shown(tab: Tab) -> list[str]:
    names: list[str] = tab.ask("[...document.querySelectorAll('article:not([hidden]) h3')].map(x => x.textContent)")
    return names


def test_the_filter_by_keyboard(tab: Tab, tmp_path: Path) -> None:
    tab.open(written(tmp_path, busy()), width=1280)
    assert shown(tab) == ["alarming", "came", "default", "went"]
    tab.press("/", "/")
    assert tab.ask("document.activeElement.id") == "search"
    tab.type("3.14.8")
    assert shown(tab) == ["default"]
    assert tab.ask("document.getElementById('count').textContent") == "1 of 4 shown"
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


def test_digests_are_copied_by_keyboard(tab: Tab, tmp_path: Path) -> None:
    tab.open(written(tmp_path, busy()), width=1280)
    tab.ask("document.querySelector('details').open = true; document.querySelector('button.copy').focus()")
    tab.ask("navigator.clipboard.writeText = async (text) => { window.copied = text; }; 1")
    wanted = tab.ask("document.activeElement.dataset.copy")
    tab.press("Enter")
    assert tab.ask("window.copied") == wanted
    assert len(wanted) == 64
    assert tab.ask("document.activeElement.textContent") == "Copied"


def test_every_control_has_a_name_and_a_place_in_the_order(tab: Tab, tmp_path: Path) -> None:
    tab.open(written(tmp_path, busy()), width=1280)
    tree = tab.send("Accessibility.getFullAXTree")["nodes"]
    named = {"button", "link", "searchbox", "combobox", "region", "heading", "table", "article", "columnheader"}
    roles = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if not node.get("ignored")]
    assert {role for role, name in roles if role in named and not name} <= {"table"}
    assert ("heading", "What to look at") in roles
    visited = []
    for _ in range(6):
        tab.press("Tab")
        visited.append(
            tab.ask("document.activeElement.className || document.activeElement.id || document.activeElement.tagName")
        )
    assert visited[:4] == ["skip", "search", "show", "scroll"]


def test_without_scripts_everything_is_there(tab: Tab, tmp_path: Path) -> None:
    tab.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        tab.open(written(tmp_path, busy()), width=1280)
        assert len(shown(tab)) == 4
        assert tab.ask("getComputedStyle(document.querySelector('.tools')).display") == "none"
    finally:
        tab.send("Emulation.setScriptExecutionDisabled", value=False)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_does_nothing(tab: Tab, tmp_path: Path, text: str) -> None:
    tab.complaints.clear()
    spoiled = replace(edited(python(), url=f"https://{text}/x"), name=text)
    found = Review.of(DiffSide(label=text), DiffSide(label=text, lock=lock(spoiled)), file=text)
    tab.open(written(tmp_path, found), width=390)
    assert tab.complaints == []
    assert tab.ask("document.scripts.length") == 1
    assert tab.ask("document.images.length + document.querySelectorAll('a:not([href^=\"#\"])').length") == 0
    assert tab.ask("document.documentElement.scrollWidth") <= 390
