"""Shared parts of the pages of `diff` and `audit`: their policy, escaped text, marks on deceptive hosts."""

from __future__ import annotations

import base64
import hashlib
import html
import re

import pytest

from provision.review.audit_page import audit_page
from provision.review.diff_page import html_page
from provision.review.page import host_html, html_text, url_html
from tests.review.test_audit_formats import AUDIT
from tests.review.test_diff_page import busy


@pytest.mark.parametrize("text", [html_page(busy()), audit_page(AUDIT)], ids=["diff", "audit"])
def test_the_page_may_only_use_its_own_script_and_style(text: str) -> None:
    policy = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    allowed = []
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        found = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode("ascii")
        allowed.append(f"{tag}-src 'sha256-{found}'")
    rest = "base-uri 'none'; form-action 'none'"
    assert [html.unescape(each) for each in policy] == [f"default-src 'none'; {'; '.join(allowed)}; {rest}"]


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
def test_deceptive_characters_are_marked(host: str, marked: str) -> None:
    assert host_html(host).partition(" <span")[0] == marked
    assert ("resembles github.com" in host_html(host)) == ("<mark>" in marked)
    url = f"https://{host}/a/b?c=1&d=github.com"
    if host != "(unreadable)":
        assert url_html(url) == f"https://{marked}/a/b?c=1&amp;d=github.com"
