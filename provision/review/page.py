"""Owns a review as one self-contained page of HTML; how it looks and moves, `page.css` and `page.js` say.

Every value goes through `html_text.text` or `html_text.attribute`. The page may load nothing and run nothing but its
own style and script, which its content security policy names by their digests.
"""

from __future__ import annotations

from collections.abc import Iterator

from provision import __version__
from provision.lock.positions import LockPositions
from provision.review.diff_formats import line_of
from provision.review.html_text import attribute, inline, text
from provision.review.page_entry import entry_section
from provision.review.page_matrix import matrix
from provision.review.review import Review
from provision.review.rows import Row, rows
from provision.review.summary import headline
from provision.text import plural

_KINDS = (("changed", "changed"), ("added", "added"), ("removed", "removed"))


def page(review: Review) -> str:
    """The whole page."""
    style, script = inline("page.css"), inline("page.js")
    sources = f"style-src '{style.source}'; script-src '{script.source}'"
    policy = f"default-src 'none'; {sources}; base-uri 'none'; form-action 'none'"
    title = text(f"Review of {review.file}")
    return "".join(
        (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{attribute(policy)}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            '<meta name="referrer" content="no-referrer">\n',
            f"<title>{title}</title>\n<style>{style.content}</style>\n</head>\n<body>\n",
            '<a class="skip" href="#entries">Skip to the entries</a>\n',
            *_top(review, title),
            "<main>\n",
            *_notices(review),
            *_tools(review),
            *matrix(review),
            *_entries(review),
            f"</main>\n<footer>Made by provision {text(__version__)}. It loads nothing from elsewhere.</footer>\n",
            f"<script>{script.content}</script>\n</body>\n</html>\n",
        )
    )


def _top(review: Review, title: str) -> Iterator[str]:
    diff = review.diff
    yield f'<header class="top">\n<h1>{title}</h1>\n'
    yield f'<p class="sides"><code>{text(review.old.label)}</code> → <code>{text(review.new.label)}</code></p>\n'
    yield f'<p class="hidden-text">{text(headline(diff, review.notices))}</p>\n<ul class="counts">\n'
    for severity, noun in (("alarm", "alarm"), ("warning", "warning")):
        number = sum(notice.severity == severity for notice in review.notices)
        if number:
            yield f'<li class="pill {severity}">{plural(number, noun)}</li>\n'
    for kind, word in _KINDS:
        number = sum(entry.kind == kind for entry in diff.entries)
        if number:
            yield f'<li class="pill {kind}">{number} {word}</li>\n'
    yield f'<li class="pill">{diff.unchanged} unchanged</li>\n</ul>\n</header>\n'


def _notices(review: Review) -> Iterator[str]:
    if not review.notices:
        return
    lines = LockPositions(review.new.text)
    yield '<section aria-labelledby="attention">\n<h2 id="attention">What to look at</h2>\n<ul class="notices">\n'
    for notice in review.notices:
        line = line_of(notice, review, lines)
        where = f'<span class="mono">{text(notice.where)}</span>'
        where += f' · <span class="line">line {line}</span>' if line else ""
        yield (
            f'<li class="{notice.severity}"><span class="pill {notice.severity}">{notice.severity}</span> '
            f'{text(notice.message)}<div class="where">{where}</div></li>\n'
        )
    yield "</ul>\n</section>\n"


def _tools(review: Review) -> Iterator[str]:
    if not review.diff.entries:
        return
    choices = [("all", "everything"), ("alarm", "alarms"), ("warning", "warnings"), *_KINDS]
    options = "".join(f'<option value="{value}">{label}</option>' for value, label in choices)
    yield (
        '<div class="tools" role="search" hidden>\n'
        '<label class="wide">Filter by name, version, platform, digest (press /)'
        '<input id="search" type="search" autocomplete="off" spellcheck="false"></label>\n'
        f'<label>Show<select id="show">{options}</select></label>\n'
        '<output id="count" aria-live="polite"></output>\n</div>\n'
    )


def _entries(review: Review) -> Iterator[str]:
    yield '<section id="entries" aria-labelledby="entries-title">\n<h2 id="entries-title">Entries</h2>\n'
    by_entry: dict[str, list[Row]] = {}
    for row in rows(review.diff):
        by_entry.setdefault(row.entry, []).append(row)
    if review.diff.format_changed:
        change = by_entry["lock-version"][0]
        yield f'<p class="empty">The format changed from {text(change.before)} to {text(change.after)}.</p>\n'
    if not review.diff.entries:
        yield '<p class="empty">No entry differs.</p>\n'
    else:
        yield '<p class="empty" id="none" hidden>Nothing matches the filter.</p>\n'
    for number, entry in enumerate(review.diff.entries):
        yield from entry_section(number, entry, by_entry.get(entry.name, []), review)
    yield "</section>\n"
