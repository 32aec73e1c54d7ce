"""The command line of `prefetch`, and its output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provision.cli.commands.sync import Cpu, Frozen, Jitter, Targets, Trace
from provision.cli.parameters import Names, with_session
from provision.cli.session import CommandAnswer, Session
from provision.plan import left_out_document, left_out_notes
from provision.text import plural, printable, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provision.measures import Measure
    from provision.workflows.prefetch import Prefetched


@with_session(transfer=True)
def prefetch(
    session: Session,
    names: Names = None,
    frozen: Frozen = False,
    target: Targets = None,
    cpu: Cpu = "baseline",
    jitter: Jitter = None,
    trace: Trace = None,
) -> int:
    """Download and verify what sync needs; install nothing.

    The archives are in the cache afterwards, and a later sync needs no network. Run it where an image or a runner is
    prepared, or once behind a cache that many machines share, before they start.

    \b
    Examples:
      provision prefetch                         for this machine
      provision prefetch --target all            every locked target
      provision prefetch --jitter 60             on many machines that start at once
      provision prefetch --offline               exit 6 if an archive is not in the cache
    """
    from provision.cli.recording import Recorder, traced
    from provision.workflows.options import parse_scope
    from provision.workflows.prefetch import prefetch as run_prefetch

    scope = parse_scope(tuple(names or ()), tuple(target or ()), cpu=cpu)
    recorder = Recorder(session.progress())
    with traced(recorder, "prefetch", trace):
        done = run_prefetch(session.options.with_jitter(jitter), scope, recorder, frozen=frozen)
    return session.show(present_prefetched(done, recorder.measures))


def present_prefetched(done: Prefetched, measures: Sequence[Measure]) -> CommandAnswer:
    """A line per archive, and how many there are."""
    from provision.cli.recording import asset_rows
    from provision.measures import downloaded

    lines = []
    new = downloaded(measures)
    for asset, names in done.archives:
        is_new = asset.sha256.hex in new
        mark, where = ("+", size(asset.size) if asset.size else "downloaded") if is_new else ("=", "cached")
        lines.append(f"{mark} {printable(', '.join(names))}  {printable(asset.filename)}  ({where})")
    document = {
        "version": 1,
        "assets": asset_rows({asset: () for asset, _ in done.archives}, measures),
        "left-out": left_out_document(done.left_out),
    }
    remarks = [f"note: {note}" for note in left_out_notes(done.left_out)]
    total = plural(len(done.archives), "archive")
    remarks.append(f"{total} in the cache, {len(new)} downloaded now")
    return CommandAnswer(lines=lines, document=document, remarks=remarks, warnings=done.warnings)
