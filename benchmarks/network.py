"""Whole syncs over links of several rates and round trips, for ``docs/performance.md``.

``python -m benchmarks.network`` measures them, and writes the tables between the marks of that page.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import statistics
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.archives import Archive
from benchmarks.bench import Bench, open_bench
from benchmarks.install import contenders, four, ours
from benchmarks.proxy import link
from benchmarks.timing import Prepare, interleaved, run
from provision.model.value import replace

ROOT = Path(__file__).resolve().parent.parent
_PAGE = ROOT / "docs" / "performance.md"
# Mbit/s and ms of round trip. At 10 Mbit/s the round trip makes no difference.
_LINKS = ((10, 40), (100, 5), (100, 150), (1000, 5), (1000, 150))
_SLOWEST = min(rate for rate, _ in _LINKS)
_LOCKS = (1, 4, 16, 64)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.network", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="counted runs of each command; one at 10 Mbit/s")
    parser.add_argument("--only", choices=("links", "locks"), help="only this table")
    parser.add_argument("--note", default="", help="a remark for the page, such as what else the machine did")
    options = parser.parse_args()
    with open_bench(ROOT) as bench:
        runs = max(options.runs, 1)
        facts = dict(bench.facts())
        made = f"{datetime.now(UTC).date()}, {facts['machine']}; {facts['uv'].partition(' (')[0]}"
        made += f"; counted runs of each command: {runs} or fewer"
        for name, measure in (("links", _links), ("locks", _locks)):
            if options.only in (None, name):
                remark = f"\n{options.note}" if options.note else ""
                _write(name, [*measure(bench, runs), "", f"Measured on {made}.{remark}"])


def _links(bench: Bench, runs: int) -> list[str]:
    """Four interpreters over each link: with ranges, from a server without ranges, and by uv."""
    labels, kind = four(bench), next(reversed(bench.places))
    packed = sum(bench.archives[label].path.stat().st_size for label in labels)
    rows: list[tuple[str, ...]] = [
        ("link", "round trip", "provision", "without ranges", "uv", "provision ÷ uv", "ranges bring")
    ]
    for rate, round_trip in _LINKS:
        row = f"{rate} Mbit/s, {round_trip} ms"
        _tell(row)
        bytes_a_second, seconds = rate * 1e6 / 8, round_trip / 1e3
        with (
            link(bench.fast, rate=bytes_a_second, round_trip=seconds) as server,
            link(bench.servers.rangeless or bench.fast, rate=bytes_a_second, round_trip=seconds) as rangeless,
        ):
            commands = contenders(bench, kind, row, labels, server)
            commands["without ranges"] = ours(bench, kind, f"{row}, without", labels, server=rangeless)
            # At the lowest rate, all commands wait only for the link, half a minute each.
            walls = _walls(commands, 1 if rate == _SLOWEST else runs)
        mine, without, uv = walls["provision"], walls["without ranges"], walls["uv"]
        saved = f"{(without - mine) / without:.0%}"
        walls_told = map(_seconds, (mine, without, uv))
        rows.append((f"{rate} Mbit/s", f"{round_trip} ms", *walls_told, _ratio(mine, uv), saved))
        bench.clear()
    return [*_table(rows), "", f"{len(labels)} archives, {packed / 1e6:.0f} MB in all, files in memory."]


def _locks(bench: Bench, runs: int) -> list[str]:
    """Locks of 1 to 64 interpreters, each with a different archive."""
    kind = next(reversed(bench.places))
    copies = _copies(bench.archives["default"], max(_LOCKS))
    bench = replace(bench, archives={**bench.archives, **copies})
    rows: list[tuple[str, ...]] = [
        ("interpreters", "provision", "an archive", "uv", "an archive", "provision ÷ uv", "nothing to do")
    ]
    for count in _LOCKS:
        row = f"{count} locked"
        _tell(row)
        labels = list(copies)[:count]
        commands = contenders(bench, kind, row, labels, bench.fast)
        walls = _walls(commands, max(1, min(runs, 32 // count)))
        again = bench.provision(next((bench.places[kind] / row).glob("*-provision")) / "project", "sync")
        run(again)
        idle = statistics.median(run(again).wall for _ in range(9))
        mine, uv = walls["provision"], walls["uv"]
        shares = (_seconds(mine), _seconds(mine / count), _seconds(uv), _seconds(uv / count))
        rows.append((str(count), *shares, _ratio(mine, uv), f"{idle * 1e3:.0f} ms"))
        bench.clear()
    return [*_table(rows), "", "Each archive has 11 MB, over loopback without a limit, files in memory."]


def _copies(archive: Archive, count: int) -> dict[str, Archive]:
    """The archive under later build tags, with different times in the gzip header, so that each has another sha256."""
    version, _, rest = archive.path.name.partition("+")
    tag, _, target = rest.partition("-")
    content = archive.path.read_bytes()
    copies: dict[str, Archive] = {}
    for number in range(count):
        day = datetime.strptime(tag, "%Y%m%d").replace(tzinfo=UTC) + timedelta(days=30 + number)
        path = archive.path.with_name(f"{version}+{day:%Y%m%d}-{target}")
        data = content[:4] + number.to_bytes(4, "little") + content[8:]
        if not path.exists():
            path.write_bytes(data)
        copies[f"copy{number:02}"] = replace(
            archive, label=f"copy{number:02}", path=path, sha256=hashlib.sha256(data).hexdigest()
        )
    return copies


def _walls(commands: dict[str, Prepare], runs: int) -> dict[str, float]:
    """Medians, in seconds; a single run has no warm-up."""
    return {name: samples.wall for name, samples in interleaved(commands, runs, warm_up=runs > 1).items()}


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    head, *others = (f"| {' | '.join(row)} |" for row in rows)
    return [head, f"|{'---|' * len(rows[0])}", *others]


def _write(name: str, lines: Sequence[str]) -> None:
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    text = _PAGE.read_text()
    between = re.compile(f"(?<={re.escape(begin)}\n).*?(?={re.escape(end)})", re.DOTALL)
    _PAGE.write_text(between.sub(lambda _: "\n".join(["", *lines, "", ""]), text))
    print("\n".join(lines))


def _tell(row: str) -> None:
    print(f"measuring {row} …", file=sys.stderr, flush=True)


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"


def _ratio(mine: float, uv: float) -> str:
    return f"{mine / uv:.2f} ×"


if __name__ == "__main__":
    main()
