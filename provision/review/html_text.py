"""Owns making any text harmless in HTML, and putting the page's own style and script into it."""

from __future__ import annotations

import base64
import hashlib
import html
from typing import NamedTuple

from provision.text import printable


class Inline(NamedTuple):
    """A style or a script of the page, and how a content security policy names it."""

    content: str
    source: str


def text(value: object) -> str:
    """A value as text between tags, with what no one could see made visible."""
    return html.escape(printable(str(value)), quote=True)


def attribute(value: object) -> str:
    """A value between the double quotes of an attribute."""
    return html.escape(printable(str(value)), quote=True)


def inline(name: str) -> Inline:
    """One of the files beside this module."""
    from importlib.resources import files

    content = files("provision.review").joinpath(name).read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode("ascii")
    return Inline(content, f"sha256-{digest}")
