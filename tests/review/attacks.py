"""Four attacks on a lock that look like routine in a plain diff, each in a separate repository."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from provision.lock.lock import Upgrade
from provision.lock.read import parse_lock
from provision.lock.resolve import resolve
from provision.lock.write import format_lock
from provision.review.review import DiffSide, Review
from tests.review.history import catalog_of, git
from tests.review.tampering import GNU, HOST, SETTINGS, archive, entry_of, locked, manifest, row, value

DAY = "2026-10-25"
ENTRIES = 'default = "3.13"\nfree = "3.13t"'


def honest() -> str:
    return locked(manifest(ENTRIES), day=DAY)


def swapped_hash(text: str) -> str:
    """The archive may be replaced on a mirror or upstream, as the lock has its sha256 already."""
    return text.replace(value(row(text, "default", GNU), "sha256"), "5bd1b6ad" * 8, 1)


def look_alike_host(text: str) -> str:
    before = row(text, "default", GNU)
    after = before.replace("github.com", "githab.com").replace(value(before, "sha256"), "7c0ffee5" * 8)
    return text.replace(before, after)


def downgrade(text: str) -> str:
    """All rows are genuine, of a version with known vulnerabilities; the request's digest is kept, as anyone can do."""
    older = locked(manifest(ENTRIES.replace('"3.13"', '"3.13.1"')), day=DAY)
    request = re.findall("sha256:[0-9a-f]{64}", entry_of(text, "default"))[0]
    entry = entry_of(older, "default")
    return text.replace(entry_of(text, "default"), re.sub("sha256:[0-9a-f]{64}", request, entry, count=1))


def free_threaded(text: str) -> str:
    before, other = (row(text, name, GNU) for name in ("default", "free"))
    return text.replace(before, before.replace(archive(before), archive(other)))


ATTACKS: dict[str, Callable[[str], str]] = {
    "swapped hash": swapped_hash,
    "look-alike host": look_alike_host,
    "downgrade": downgrade,
    "free-threaded": free_threaded,
}


def pictured() -> Review:
    """A routine upgrade in which two of them are hidden: the picture in the docs shows it."""
    entries = f'{ENTRIES}\nfast = {{ version = "3.12", cpu = "auto" }}\npypy = "pypy3.11"'
    settings = 'targets = ["linux-x86_64", "linux-aarch64", "macos-aarch64", "windows-x86_64"]'
    before = resolve(manifest(entries, settings), catalog_of("2025-09-01"), None, host=HOST).lock
    asked = manifest(f'{entries}\nnext = "3.14"', settings)
    upgraded = resolve(asked, catalog_of(DAY), before, host=HOST, upgrade=Upgrade(names=("default", "free"))).lock
    after = look_alike_host(format_lock(upgraded))
    fast = row(after, "fast", "aarch64-apple-darwin")
    after = after.replace(fast, fast.replace(value(fast, "sha256"), "5bd1b6ad" * 8))
    sides = ("origin/main:pythons.lock", format_lock(before)), ("pythons.lock", after)
    return Review.of(*(DiffSide(label=label, text=text, lock=parse_lock(text, label).lock) for label, text in sides))


def make_attacked(directory: Path, attack: str) -> None:
    """A repository whose HEAD is honest, and whose working tree is not."""
    directory.mkdir(parents=True)
    (directory / "pythons.toml").write_text(f"[settings]\n{SETTINGS}\n\n[pythons]\n{ENTRIES}\n")
    (directory / "pythons.lock").write_text(honest())
    git(directory, "init", "--quiet", "--initial-branch=main")
    git(directory, "add", ".")
    git(directory, "commit", "--quiet", "--message", "Lock")
    (directory / "pythons.lock").write_text(ATTACKS[attack](honest()))
