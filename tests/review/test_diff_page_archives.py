"""Archives on the page: text is escaped, and deceptive hosts are marked."""

from __future__ import annotations

import html

import pytest

from provision.model.value import replace
from provision.review.changes import AssetChange
from provision.review.diff_page_archives import archive_lines, host_html, html_text, url_html
from tests.lock.samples import asset, digest


@pytest.mark.parametrize("text", ["<b>", '"', "'", "&", "\x1b[2J", "\u202e"])
def test_text_is_escaped_for_elements_and_attributes_alike(text: str) -> None:
    written = html_text(f"a{text}z")
    assert written.isprintable()
    assert not set("<>\"'") & set(written)
    assert html.unescape(written) in (f"a{text}z", ascii(f"a{text}z")[1:-1])


@pytest.mark.parametrize(
    ("host", "marked"),
    [
        ("github.com", "github.com"),
        ("example.com", "example.com"),
        ("githab.com", "gith<mark>a</mark>b.com"),
        ("github.co", "github.c<mark>o</mark>"),
        ("githubb.com", "github<mark>b</mark>.com"),
        ("github.com.example.net", "github.com<mark>.example.net</mark>"),
        ("(unreadable)", "(unreadable)"),
    ],
)
def test_the_letters_that_deceive_are_marked(host: str, marked: str) -> None:
    assert host_html(host).partition(" <span")[0] == marked
    assert ("resembles github.com" in host_html(host)) == ("<mark>" in marked)
    url = f"https://{host}/a/b?c=1&d=github.com"
    if host != "(unreadable)":
        assert url_html(url) == f"https://{marked}/a/b?c=1&amp;d=github.com"


def test_an_archive_has_its_digests_before_and_after_and_each_url_once() -> None:
    old = asset("3.14.7+20260801")
    change = AssetChange(target=old.target, cpu=old.cpu, old=old, new=replace(old, sha256=digest("other")))
    text = "".join(archive_lines(change))
    assert [old.sha256.hex in text, digest("other").hex in text, text.count(old.url)] == [True, True, 1]
    assert "sha256" in "".join(archive_lines(replace(change, new=old)))
