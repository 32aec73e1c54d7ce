"""Archives on the page of a diff: digests to copy, URLs with marked look-alikes."""

from __future__ import annotations

import html
from collections.abc import Iterator

from provision.host_policy import KNOWN_HOSTS, lookalike_of
from provision.model.asset import Asset
from provision.review.changes import AssetChange
from provision.text import printable, size
from provision.url import host_of


def html_text(value: object) -> str:
    """A value as text between tags or in a quoted attribute; unprintable characters become visible escapes."""
    return html.escape(printable(str(value)), quote=True)


def host_html(host: str) -> str:
    """A host; of a look-alike, the letters that deceive are marked, and what it resembles follows."""
    other = lookalike_of(host, KNOWN_HOSTS)
    if not other:
        return html_text(host)
    return f'{_marked(host, other)} <span class="resembles">resembles {html_text(other)}</span>'


def url_html(url: str) -> str:
    """A URL, with marks on the letters of its host that deceive."""
    host = host_of(url)
    other = lookalike_of(host, KNOWN_HOSTS)
    before, found, after = url.partition(host)
    if not (other and found):
        return html_text(url)
    return f"{html_text(before)}{_marked(host, other)}{html_text(after)}"


def _marked(host: str, other: str) -> str:
    """A host with marks on the letters that another does not have; where only some are missing, on their neighbours."""
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


def archive_lines(change: AssetChange) -> Iterator[str]:
    """The target of an archive, its digests before and after, and its URLs."""
    yield f"<strong>{html_text(change.target_label)}</strong>"
    sides = (("before", change.old), ("after", change.new))
    same = change.old is not None and change.new is not None and change.old.sha256 == change.new.sha256
    for label, asset in sides[1:] if same else sides:
        if asset is not None:
            yield _digest("sha256" if same else label, change.target_label, asset)
    for url in dict.fromkeys(asset.url for asset in (change.old, change.new) if asset):
        yield f'<div class="url mono">{url_html(url)}</div>'


def _digest(label: str, title: str, asset: Asset) -> str:
    digest = html_text(asset.sha256)
    bytes_ = f" · {size(asset.size)}" if asset.size is not None else ""
    spoken = html_text(f"Copy the sha256 of {title}, {label}")
    return (
        f'<div class="digest"><span>{label}{bytes_}</span><code>{digest}</code>'
        f'<button type="button" class="copy" data-copy="{digest}" aria-label="{spoken}" hidden>'
        '<span class="label" aria-live="polite">Copy</span></button></div>'
    )
