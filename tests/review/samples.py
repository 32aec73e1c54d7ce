"""Locks and reviews for the tests of this folder, hostile ones among them."""

from __future__ import annotations

from hypothesis import strategies as st

from provision.lock.lock import Lock, LockedPython
from provision.model.asset import Asset
from provision.model.value import replace
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
def hostile_reviews(draw: st.DrawFn) -> Review:
    old, new = draw(st.none() | hostile_locks()), draw(st.none() | hostile_locks())
    labels = draw(texts), draw(texts)
    sides = (DiffSide(label=label, lock=each) for label, each in zip(labels, (old, new), strict=True))
    return Review.of(*sides, file=draw(texts))


__all__ = ["asset", "digest", "python"]
