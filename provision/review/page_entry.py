"""Owns one entry on the page: its changes as a table, and each archive with its digests to copy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from provision.model.asset import Asset
from provision.review.changes import AssetChange, EntryChange
from provision.review.details import TreeChange
from provision.review.html_text import attribute, text
from provision.review.review import Review
from provision.review.rows import Row
from provision.text import delta, plural, size


def anchor(number: int) -> str:
    """The id of an entry's section; made of no text that a lock holds."""
    return f"entry-{number}"


def kinds(entry: EntryChange, review: Review) -> str:
    """The words that the page's filter knows an entry by."""
    found = {notice.severity for notice in review.notices if notice.entry == entry.name}
    return " ".join([entry.kind, *sorted(found)])


def searched(entry: EntryChange) -> str:
    """What the page's search looks through, in lower case."""
    words = [entry.name]
    for python in (entry.old, entry.new):
        if python is not None:
            words += [python.implementation, f"{python.version}+{python.build}", python.flavor, str(python.options)]
    for change in entry.assets:
        words.append(change.title)
        words += (str(asset.sha256) for asset in (change.old, change.new) if asset)
    return " ".join(words).lower()


def entry_section(number: int, entry: EntryChange, rows: Sequence[Row], review: Review) -> Iterator[str]:
    """The entry's section."""
    words = kinds(entry, review)
    alarm = " alarm" if "alarm" in words.split() else ""
    name = anchor(number)
    yield (
        f'<article class="entry{alarm}" id="{name}" aria-labelledby="{name}-title" '
        f'data-text="{attribute(searched(entry))}" data-kinds="{attribute(words)}">\n'
        f'<header><h3 id="{name}-title">{text(entry.name)}</h3><span class="pill {entry.kind}">{entry.kind}</span>'
    )
    if alarm:
        yield '<span class="pill alarm">alarm</span>'
    if entry.kind == "changed":
        yield f'<span class="pill">request {"changed" if entry.request_changed else "unchanged"}</span>'
    yield "</header>\n"
    yield from _changes(rows)
    yield from _archives(entry.assets)
    for tree in review.details:
        if tree.entry == entry.name:
            yield from _inside(tree)
    yield "</article>\n"


def _changes(rows: Sequence[Row]) -> Iterator[str]:
    if not rows:
        return
    sized = any(row.size is not None for row in rows)
    heads = ("Change", "Before", "After", "Platforms", *(("Size",) if sized else ()))
    yield '<table class="changes">\n<thead><tr>' + "".join(f'<th scope="col">{head}</th>' for head in heads)
    yield "</tr></thead>\n<tbody>\n"
    for row in rows:
        last = text(delta(row.size, signed=row.mark == "~"))
        yield (
            f'<tr><th scope="row">{text(row.change)}</th>'
            f'<td class="before mono" data-label="before">{text(row.before)}</td>'
            f'<td class="after mono" data-label="after">{text(row.after)}</td>'
            f'<td data-label="on">{text(row.where)}</td>'
        )
        yield f'<td data-label="size">{last}</td></tr>\n' if sized else "</tr>\n"
    yield "</tbody>\n</table>\n"


def _archives(changes: Sequence[AssetChange]) -> Iterator[str]:
    if not changes:
        return
    yield f'<details><summary>{plural(len(changes), "archive")} with digests</summary>\n<ul class="archives">\n'
    for change in changes:
        yield f"<li><strong>{text(change.title)}</strong>"
        sides = (("before", change.old), ("after", change.new))
        same = change.old is not None and change.new is not None and change.old.sha256 == change.new.sha256
        for label, asset in sides[1:] if same else sides:
            if asset is not None:
                yield _digest("sha256" if same else label, change.title, asset)
        urls = dict.fromkeys(asset.url for asset in (change.old, change.new) if asset)
        for url in urls:
            yield f'<div class="url mono">{text(url)}</div>'
        yield "</li>\n"
    yield "</ul>\n</details>\n"


def _digest(label: str, title: str, asset: Asset) -> str:
    digest = attribute(asset.sha256)
    bytes_ = f" · {size(asset.size)}" if asset.size is not None else ""
    spoken = attribute(f"Copy the sha256 of {title}, {label}")
    return (
        f'<div class="digest"><span>{label}{bytes_}</span><code>{digest}</code>'
        f'<button type="button" class="copy" data-copy="{digest}" aria-label="{spoken}" hidden>'
        '<span class="label" aria-live="polite">Copy</span></button></div>'
    )


def _inside(tree: TreeChange) -> Iterator[str]:
    yield f"<details><summary>Inside, on {text(tree.place)}</summary>\n"
    if tree.missing:
        yield f"<p>{text(tree.missing)}</p>"
    cells = [(each.library, each.old or "–", each.new or "–") for each in tree.libraries]
    yield from _plain_table(("Library", "Before", "After"), cells)
    folders = [
        (each.folder, str(each.added), str(each.removed), str(each.changed), ", ".join(each.examples))
        for each in tree.folders
    ]
    yield from _plain_table(("Folder", "Added", "Removed", "Changed", "Such as"), folders)
    yield "</details>\n"


def _plain_table(heads: Sequence[str], cells: Sequence[Sequence[str]]) -> Iterator[str]:
    if not cells:
        return
    yield '<table class="changes">\n<thead><tr>' + "".join(f'<th scope="col">{head}</th>' for head in heads)
    yield "</tr></thead>\n<tbody>\n"
    for row in cells:
        first, *rest = row
        body = "".join(
            f'<td class="mono" data-label="{head}">{text(cell)}</td>'
            for head, cell in zip(heads[1:], rest, strict=True)
        )
        yield f'<tr><th scope="row" class="mono">{text(first)}</th>{body}</tr>\n'
    yield "</tbody>\n</table>\n"
