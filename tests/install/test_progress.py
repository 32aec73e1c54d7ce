"""Progress that nobody looks at is still progress."""

from __future__ import annotations

from provision.protocols import NoProgress, Progress


def test_silence_takes_everything_and_says_nothing() -> None:
    progress: Progress = NoProgress()
    progress.start("key", "cpython 3.14", "fetch", None)
    progress.advance("key", 10)
    progress.finish("key")
    progress.note("something")
