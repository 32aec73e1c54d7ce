"""HTML pages: the frame, and the shared parts of the pages of `diff` and `audit`.

A page may load nothing and run only its own style and script (`page.css` and `page.js`), which its content security
policy names by their digests. Every value from outside goes through `html_text`. In the host of a look-alike, the
deceptive letters are marked.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence

from provision import __version__
from provision.host_policy import KNOWN_HOSTS, lookalike_of
from provision.inline import InlineAsset, content_policy
from provision.text import printable
from provision.url import host_of


def page(title: str, body: Iterable[str], *, skip: tuple[str, str]) -> str:
    """The whole page; ``skip`` is the target id of the skip link, and the link's text."""
    style, script = (
        InlineAsset.read("provision", "review/page.css"),
        InlineAsset.read("provision", "copy.js", "review/page.js"),
    )
    policy = content_policy(style, script)
    anchor, words = skip
    return "".join(
        (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{html_text(policy)}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            '<meta name="referrer" content="no-referrer">\n',
            f"<title>{html_text(title)}</title>\n<style>{style.content}</style>\n</head>\n<body>\n",
            f'<a class="skip" href="#{anchor}">{words}</a>\n',
            *body,
            f"<footer>Made by provision {html_text(__version__)}. It loads nothing from the network.</footer>\n",
            f"<script>{script.content}</script>\n</body>\n</html>\n",
        )
    )


def filter_bar(what: str, choices: Sequence[tuple[str, str]], noun: tuple[str, str]) -> Iterator[str]:
    """Search and filter of what has ``data-text`` and ``data-kinds``; hidden until the script shows them.

    ``what`` is what the search finds, ``noun`` the word for one thing and for several.
    """
    options = "".join(f'<option value="{value}">{label}</option>' for value, label in choices)
    yield (
        '<div class="tools" role="search" hidden>\n'
        f'<label class="wide"><span>Filter by {what} <span class="keys">(press /)</span></span>'
        '<input id="search" type="search" autocomplete="off" spellcheck="false"></label>\n'
        f'<label>Show<select id="show">{options}</select></label>\n'
        f'<output id="count" aria-live="polite" data-one="{noun[0]}" data-many="{noun[1]}"></output>\n</div>\n'
    )


def plain_table(heads: Sequence[str], cells: Sequence[Sequence[str]], attributes: Sequence[str] = ()) -> Iterator[str]:
    """A table of text; ``attributes`` are those of the rows."""
    if not cells:
        return
    yield '<table class="changes">\n<thead><tr>' + "".join(f'<th scope="col">{head}</th>' for head in heads)
    yield "</tr></thead>\n<tbody>\n"
    for number, row in enumerate(cells):
        first, *rest = row
        body = "".join(
            f'<td class="mono" data-label="{head}">{html_text(cell)}</td>'
            for head, cell in zip(heads[1:], rest, strict=True)
        )
        opening = f"<tr {attributes[number]}>" if attributes else "<tr>"
        yield f'{opening}<th scope="row" class="mono">{html_text(first)}</th>{body}</tr>\n'
    yield "</tbody>\n</table>\n"


def html_text(value: object) -> str:
    """A value as text between tags or in a quoted attribute; unprintable characters become visible escapes."""
    return html.escape(printable(str(value)), quote=True)


def host_html(host: str) -> str:
    """A host; in a look-alike, the deceptive letters are marked, followed by the host that it resembles."""
    other = lookalike_of(host, KNOWN_HOSTS)
    if not other:
        return html_text(host)
    return f'{_marked(host, other)} <span class="resembles">resembles {html_text(other)}</span>'


def url_html(url: str) -> str:
    """A URL, with marks on the deceptive letters of its host."""
    host = host_of(url)
    other = lookalike_of(host, KNOWN_HOSTS)
    before, found, after = url.partition(host)
    if not (other and found):
        return html_text(url)
    return f"{html_text(before)}{_marked(host, other)}{html_text(after)}"


def _marked(host: str, other: str) -> str:
    """A host with marks on the letters that another does not have; if letters are missing, on their neighbours."""
    import difflib

    compared = difflib.SequenceMatcher(None, other, host, autojunk=False)
    marked = [False] * len(host)
    for tag, _, _, first, last in compared.get_opcodes():
        start, end = (max(first - 1, 0), first + 1) if tag == "delete" else (first, last)
        if tag != "equal":
            marked[start:end] = [True] * len(marked[start:end])
    written, inside = "", False
    for letter, is_marked in zip(host, marked, strict=True):
        if is_marked != inside:
            written += "<mark>" if is_marked else "</mark>"
            inside = is_marked
        written += html_text(letter)
    return f"{written}</mark>" if inside else written
