"""`catalog_page`: a catalog as one HTML page to search in a browser.

The page loads nothing. Its parts come in the order in which they are needed: the tables of the search and the script,
then URLs and components, then the hashes, which are nine tenths of the page. So the search works before all is loaded.
"""

from __future__ import annotations

import html
import json
import re
from importlib.resources import files

from provision import __version__
from provision.catalog.page_tables import PageTables
from provision.inline import InlineAsset, content_policy

_PACKAGE = "provision.catalog"


def catalog_page(tables: PageTables) -> str:
    """The whole page; the same tables give the same page."""
    style, script = InlineAsset.read(_PACKAGE, "page.css"), InlineAsset.read("provision", "copy.js", "catalog/page.js")
    parts = {
        "policy": html.escape(content_policy(style, script)),
        "style": style.content,
        "version": html.escape(__version__),
        "search": _inline_json(tables.search),
        "script": script.content,
        "details": _inline_json(tables.details),
        "hashes": tables.hashes,
    }
    frame = files(_PACKAGE).joinpath("page.html").read_text(encoding="utf-8")
    return re.sub("@([a-z]+)@", lambda match: parts[match[1]], frame)


def _inline_json(value: object) -> str:
    """JSON inside of a script element, which no text in it can end."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True).replace("<", "\\u003c")
