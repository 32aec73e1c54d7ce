"""What is wrong with a built site: dead links, missing anchors, foreign loads, pages without a link to them.

Zensical's strict mode finds some of these only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# What browsers load without being asked.
_LOADED = frozenset({("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src")})
_NOT_LOADED = frozenset({"canonical", "prev", "next", "alternate"})
# Elements in which text is no prose.
_CODE = frozenset({"code", "pre", "script", "style"})

# A link of Markdown whose definition is missing: `[text][name]`.
_REFERENCE = re.compile(r"\]\[[\w .-]*\]")


class _Page(HTMLParser):
    """The anchors and links of one page, Markdown that was not read, and empty heads of columns."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[tuple[str, str, str]] = []
        self.unresolved: list[str] = []
        self.empty_heads = self.escapes = 0
        self._code = 0
        self._head = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self._code += tag in _CODE
        self._head = tag == "th"
        self.anchors |= {value for key in ("id", "name") if (value := values.get(key))}
        if tag == "link" and values.get("rel") in _NOT_LOADED:
            return
        self.links += [(tag, key, value) for key in ("href", "src") if (value := values.get(key))]

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag in _CODE
        self.empty_heads += tag == "th" and self._head
        self._head = False

    def handle_data(self, data: str) -> None:
        self._head = False
        self.escapes += "\\|" in data and self.lasttag == "code"
        if not self._code and _REFERENCE.search(data):
            self.unresolved.append(data.strip())


def problems_of(site: Path, url: str) -> Iterator[str]:
    """A line for each problem; ``url`` is where the site is published."""
    root = site.resolve()
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in sorted(root.rglob("*.html"))}
    reached = {root / "index.html", root / "404.html"}
    for path, page in pages.items():
        name = path.relative_to(root).as_posix()
        for text in page.unresolved:
            yield f"{name}: a reference without a target: {text}"
        if page.escapes:
            yield f"{name}: code shows the backslash of \\|"
        if page.empty_heads:
            yield f"{name}: a table has a column without a heading"
        if path.name == "404.html":  # its links are absolute, as it is shown anywhere
            continue
        for tag, key, value in page.links:
            target = _target(root, path, value, url)
            if isinstance(target, str):
                if (tag, key) in _LOADED:
                    yield f"{name}: <{tag}> loads {value}"
            elif value.startswith("/"):
                yield f"{name}: {value} is absolute"
            elif not target.is_file():
                yield f"{name}: {value} leads nowhere"
            else:
                reached |= {target} - {path}
                fragment = unquote(urlsplit(value).fragment)
                is_own = not fragment or fragment.startswith("__")  # the theme's own
                if not is_own and target in pages and fragment not in pages[target].anchors:
                    yield f"{name}: {value} has no such anchor"
    yield from (f"{path.relative_to(root).as_posix()}: no page links to it" for path in pages if path not in reached)


def _target(root: Path, path: Path, value: str, url: str) -> Path | str:
    """The file that a link leads to, or the address of another site."""
    if value.startswith(url):
        value = value.removeprefix(url)
        path = root / "index.html"
    parts = urlsplit(value)
    if parts.scheme or parts.netloc:
        return value
    target = (path.parent / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
    return target / "index.html" if target.is_dir() else target
