"""Text that is harmless in GitHub's Markdown, and a comment that stays under GitHub's limit."""

from __future__ import annotations

import pytest

from provision.model.value import replace
from provision.review.diff_markdown import LIMIT, markdown_code, markdown_comment, markdown_text
from tests.lock.samples import asset, digest, python
from tests.review.samples import edited, lock, review, with_details


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("3.14.8, linux-x86_64 (v3)", "3.14.8, linux-x86_64 (v3)"),
        ("*bold* _it_", "&#42;bold&#42; &#95;it&#95;"),
        ("a | b", "a &#124; b"),
        ("<b>", "&#60;b&#62;"),
        ("[x](y)", "&#91;x&#93;(y)"),
        ("https://x.example", "https&#58;//x.example"),
        ("www.x.example", "www&#46;x.example"),
        ("@all #1", "&#64;&#8203;all &#35;&#8203;1"),
        ("a\nb", "a&#92;nb"),
    ],
)
def test_markup_becomes_entities(text: str, written: str) -> None:
    assert markdown_text(text) == written


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("3.14.8+20260901", "`3.14.8+20260901`"),
        ("@all *bold* https://x.example", "`@all *bold* https://x.example`"),
        ("a`b", "a&#96;b"),
        ("a|b", "a&#124;b"),
        (" a", " a"),
        (" ", ""),
        ("", ""),
    ],
)
def test_a_code_span_is_used_only_if_no_character_can_end_it(text: str, written: str) -> None:
    assert markdown_code(text) == written


def test_long_values_are_shortened_in_the_middle() -> None:
    assert markdown_code("a" * 150 + "b" * 150) == f"`{'a' * 100}…{'b' * 100}`"


def test_rows_after_the_first_twelve_are_folded() -> None:
    names = [f"p{number:02}" for number in range(15)]
    old = lock(*(python(name=name) for name in names))
    new = lock(*(edited(python(name=name), sha256=digest("x")) for name in names))
    text = markdown_comment(review(old, new))
    assert "<summary>3 more changes</summary>" in text
    assert text.index("**p11** | sha256 only") < text.index("<details>") < text.index("**p12** | sha256 only")


def test_differences_inside_trees_are_folded() -> None:
    text = markdown_comment(with_details())
    assert "<summary>Inside default, macos-aarch64: libraries</summary>" in text
    assert "| OpenSSL |  | `3.5.1` |" in text
    assert "| `lib/ssl` | 1 | 2 | 3 | `a.py` |" in text
    missing = replace(with_details().details[0], missing="the old tree is not here", libraries=(), folders=())
    assert "| the old tree is not here |" in markdown_comment(replace(with_details(), details=(missing,)))


def test_a_lock_of_any_size_stays_under_the_limit() -> None:
    targets = ("linux-x86_64", "macos-aarch64")
    many = lock(*(python(*(asset(target=target) for target in targets), name=f"p{n}") for n in range(900)))
    text = markdown_comment(review(None, many))
    assert len(text.encode()) <= LIMIT
    assert "left out here" in text
    assert text.count("<details>") == text.count("</details>")
