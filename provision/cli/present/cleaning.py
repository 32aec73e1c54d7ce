"""Owns what `prune` and `cache` say."""

from __future__ import annotations

from pathlib import Path

from provision.cli.session import Answer
from provision.store.prune import Pruned
from provision.text import plural, size
from provision.workflows.store import CacheUsage


def present_pruned(pruned: Pruned, *, dry_run: bool) -> Answer:
    """A removed tree a line, and what that freed."""
    freed = f", {size(pruned.freed)} freed" if pruned.freed else ""
    verb = "to remove" if dry_run else "removed"
    remarks = [f"{plural(len(pruned.removed), 'tree')} {verb}{freed}"]
    if pruned.busy:
        remarks.append(f"{plural(len(pruned.busy), 'tree')} left alone, as other processes work on them")
    document = {
        "version": 1,
        "dry-run": dry_run,
        "removed": list(pruned.removed),
        "busy": list(pruned.busy),
        "freed-bytes": pruned.freed,
    }
    return Answer(lines=pruned.removed, document=document, remarks=remarks)


def present_cache_dir(directory: Path) -> Answer:
    """The directory, alone on its line."""
    return Answer(lines=(str(directory),), document={"version": 1, "cache": str(directory)})


def present_cache_size(usage: CacheUsage) -> Answer:
    """The size for people; bytes in JSON."""
    return Answer(lines=(size(usage.size),), document={"version": 1, "archives-bytes": usage.size})


def present_cache_clean(usage: CacheUsage) -> Answer:
    """What was freed."""
    return Answer(document={"version": 1, "freed-bytes": usage.size}, remarks=(f"{size(usage.size)} freed",))
