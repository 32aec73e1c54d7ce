"""Locks and reviews for the tests of this folder, including hostile ones."""

from __future__ import annotations

from hypothesis import strategies as st

from provision.lock.lock import Lock, LockedPython
from provision.model.asset import Asset
from provision.model.value import replace
from provision.review.details import FolderChange, LibraryChange, TreeChange
from provision.review.review import DiffSide, Review
from tests.lock.samples import asset, digest, python
from tests.lock.strategies import digests, locks

# Texts that could act as markup or commands in a terminal, a workflow's log, Markdown or HTML.
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; alert(1) //",
    "</details></table>\n\n# A heading",
    "a | b | c",
    "`code` ``more``",
    "[link](javascript:alert(1)) ![image](http://evil.example/x.png)",
    "@everybody #1 owner/repository#2 www.evil.example https://evil.example",
    "*bold* _it_ ~~gone~~ <!-- comment -->",
    "\x1b[2J\x1b]0;title\x07",
    "line\r\n::error file=x::y",
    "\u202egnp.exe\u2066",
    "%0A::warning::z",
    "&lt;b&gt; &amp; &#60;",
    "\\`\\|\\",
    "$`math`$ $$x$$",
)

texts = st.sampled_from(HOSTILE) | st.text(max_size=60)


def lock(*pythons: LockedPython) -> Lock:
    return Lock(pythons=tuple(sorted(pythons, key=lambda each: each.name)))


def review(old: Lock | None, new: Lock | None, *, text: str = "") -> Review:
    return Review.of(DiffSide(label="old.lock", lock=old), DiffSide(label="new.lock", lock=new, text=text))


def edited(before: LockedPython, **values: object) -> LockedPython:
    """An entry with other values in its first row."""
    first, *others = before.assets
    return replace(before, assets=(replace(first, **values), *others))


def moved(before: LockedPython, name: str) -> LockedPython:
    """The entry at another version and build, as an upgrade moves it: ``3.14.8+20260901``."""
    rows = [
        asset(name, each.target.short, str(each.options), cpu=each.cpu, flavor=each.flavor, size=each.size)
        for each in before.assets
    ]
    return replace(LockedPython.of(before.name, before.request, rows, before.tree))


@st.composite
def hostile_locks(draw: st.DrawFn) -> Lock:
    """Locks that no reader would accept: any text wherever there is text."""

    def spoiled(row: Asset) -> Asset:
        url = draw(st.just(row.url) | texts.map("https://{}/x".format) | texts)
        return replace(row, url=url, published=draw(st.none() | texts), sha256=draw(digests | st.just(row.sha256)))

    found = []
    for each in draw(locks()).pythons:
        build, implementation = draw(st.just(each.build) | texts), draw(st.sampled_from(["cpython", *HOSTILE]))
        rows = tuple(spoiled(replace(row, build=build, implementation=implementation)) for row in each.assets)
        name = draw(st.sampled_from(["default", "free"]) | texts)
        found.append(replace(each, name=name, build=build, implementation=implementation, assets=rows))
    return lock(*{each.name: each for each in found}.values())


@st.composite
def hostile_details(draw: st.DrawFn, entry: str) -> TreeChange:
    """Differences between two trees whose files and libraries have hostile names."""
    folder = FolderChange(folder=draw(texts), added=1, removed=0, changed=2, examples=(draw(texts), draw(texts)))
    library = LibraryChange(library=draw(texts), old=draw(texts), new=draw(texts))
    missing = draw(st.just("") | texts)
    return TreeChange(entry=entry, target_label=draw(texts), folders=(folder,), libraries=(library,), missing=missing)


@st.composite
def hostile_reviews(draw: st.DrawFn) -> Review:
    old, new = draw(st.none() | hostile_locks()), draw(st.none() | hostile_locks())
    labels = draw(texts), draw(texts)
    sides = (DiffSide(label=label, lock=each) for label, each in zip(labels, (old, new), strict=True))
    made = Review.of(*sides, file=draw(texts))
    return replace(made, details=tuple(draw(hostile_details(each.name)) for each in made.diff.entries[:1]))


def with_details() -> Review:
    """A review of one upgraded entry, with what differs inside its trees."""
    before = python()
    folder = FolderChange(folder="lib/ssl", added=1, removed=2, changed=3, examples=("lib/ssl/a.py",))
    library = LibraryChange(library="OpenSSL", old="", new="3.5.1")
    target = before.assets[0].target.short
    inside = TreeChange(entry="default", target_label=target, folders=(folder,), libraries=(library,), size_delta=-5)
    return replace(review(lock(before), lock(moved(before, "3.14.8+20260901"))), details=(inside,))


__all__ = ["asset", "digest", "python"]
