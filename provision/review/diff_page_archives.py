"""Archives on the page of a diff: digests to copy, and URLs."""

from __future__ import annotations

from collections.abc import Iterator

from provision.model.asset import Asset
from provision.review.changes import AssetChange
from provision.review.page import html_text, url_html
from provision.text import size


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
