"""Many machines that sync one lock at once: real processes and a model, from one trace.

``python -m benchmarks.fleet`` starts real processes against a real registry and real caches, then runs the model for
the same number of machines and for 10 000; it prints the tables of `docs/fleet.md`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fleet_model import Cache, Clock, Fleet, Machine, Origin, trace
from benchmarks.fleet_servers import Uplink
from tests.support.builds import write_catalog
from tests.support.project import COMMAND, Project
from tests.support.server import Server
from tests.support.servers.caches import WebCache
from tests.support.servers.programs import ServerUnavailableError
from tests.support.servers.registry import Registry
from tests.support.small import small_build

GBIT = 125e6
_REPOSITORY = "pythons"
_RATE = 1e6  # of the link between the site and the registry in bytes per second, for the processes
_ARCHIVE = 1_000_000
_ARCHIVES = 2
_ARCHIVES_FOR_EACH_FLIP = 40
_OUTAGE = 10.0


@dataclass
class Result:
    """A row of a table."""

    name: str
    machines: int
    origin_bytes: float
    ready: list[float]
    failed: int = 0
    retries: int = 0
    peak: int | None = None

    def row(self) -> str:
        ready = sorted(self.ready) or [0.0]
        p50, p95 = (ready[min(len(ready) - 1, int(share * len(ready)))] for share in (0.5, 0.95))
        size = f"{self.origin_bytes / 1e9:,.2f} GB" if self.origin_bytes > 1e9 else f"{self.origin_bytes / 1e6:,.1f} MB"
        cells = [self.name, f"{self.machines}", size, f"{p50:,.1f} s", f"{p95:,.1f} s", f"{self.retries:,}"]
        cells.append(f"{self.failed:,}")
        if self.peak is not None:
            cells.append(f"{self.peak:,}")
        return f"| {' | '.join(cells)} |"


def _header(*more: str) -> str:
    cells = ["scenario", "machines", "from the registry", "p50 until ready", "p95", "retries", "failed", *more]
    return f"| {' | '.join(cells)} |\n|{'---|' * len(cells)}"


# Real processes


class Site:
    """A registry with the archives of a project, and the machines that sync it, each with its own store."""

    def __init__(self, folder: Path, machines: int, within: float) -> None:
        self.folder, self.begins = folder, trace(machines, within)
        self.project = Project(folder / "project")

    @contextmanager
    def open(self) -> Iterator[Registry]:
        builds = [small_build(self.folder / "builds", number, more=_ARCHIVE) for number in range(1, _ARCHIVES + 1)]
        (self.folder / "www").mkdir()
        with Registry(self.folder / "registry") as registry:
            with Server(self.folder / "www") as server:
                write_catalog(server.root, builds)
                entries = "".join(f"b{build.name.build} = {build.entry}\n" for build in builds)
                self.project.write(f'[settings]\ncatalogs = ["{server.url}/catalog.ndjson"]\n[pythons]\n{entries}')
                self.project.run("lock")
                self.project.run("mirror", "push", f"oci://{registry.host}/{_REPOSITORY}")
            yield registry  # the server from which the registry received the archives is shut down by now

    def run(
        self, name: str, uplink: Uplink, mirrors: Sequence[str], halfway: Callable[[], None] | None = None
    ) -> Result:
        """Start a process for each machine at its time; ``halfway`` is called once half of them are ready."""
        result, lock = Result(name, len(self.begins), 0.0, []), threading.Lock()
        start = time.monotonic()

        def machine(number: int, begins: float) -> None:
            home = self.folder / "machines" / str(number)
            project = Project(home / "project", home=home / "home", cache=home / "cache")
            for source in (self.project.manifest, self.project.lock):
                shutil.copy(source, project.directory)
            time.sleep(max(0.0, start + begins - time.monotonic()))
            begun = time.monotonic()
            done = subprocess.run(
                ["nice", *COMMAND, "sync", "--frozen", "--json"],
                cwd=project.directory,
                env=project.environ({"PROVISION_MIRROR": " ".join(mirrors)}),
                capture_output=True,
                text=True,
                check=False,
            )
            seconds = time.monotonic() - begun
            shutil.rmtree(home)
            with lock:
                if done.returncode:
                    result.failed += 1
                    print(done.stderr, file=sys.stderr)
                    return
                result.ready.append(seconds)
                result.retries += sum(row["retries"] for row in json.loads(done.stdout)["assets"])
                is_half = len(result.ready) == len(self.begins) // 2
            if is_half and halfway:
                halfway()

        before = uplink.received
        threads = [threading.Thread(target=machine, args=each) for each in enumerate(self.begins)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        result.origin_bytes = uplink.received - before
        print(result.row(), flush=True)
        return result


def run_processes(machines: int, within: float, only: str = "") -> None:
    """The table of real processes, with the model for the same trace."""
    print(_header())
    with tempfile.TemporaryDirectory(prefix="fleet-") as name:
        Path(name).chmod(0o755)  # squid runs as another user
        site = Site(Path(name), machines, within)
        with site.open() as registry:
            alone = Site(site.folder, 1, 0.0)
            alone.project = site.project
            with Uplink(registry.port, 1e9) as fast:
                base = alone.run("one machine, a fast link", fast, [_mirror(fast.port)]).ready[0]
            rows = (_direct, _pull_through, *map(_cached, ("nginx", "varnish", "squid")), _dying, _damaged, _outage)
            for row in (row for row in rows if only in row.__name__):
                try:
                    row(site, registry)
                except ServerUnavailableError as error:
                    print(f"| {row.__name__.strip('_')}: not to be had here: {error} |", flush=True)
    size = _ARCHIVES * _ARCHIVE
    for result in (
        model("the model: registry alone", machines, within, size, _RATE, more_seconds=base, racks=0),
        model("the model: a cache that coalesces", machines, within, size, _RATE, more_seconds=base, racks=1),
    ):
        print(result.row())


def _mirror(port: int) -> str:
    return f"oci://127.0.0.1:{port}/{_REPOSITORY}"


def _direct(site: Site, registry: Registry) -> None:
    with Uplink(registry.port, _RATE) as uplink:
        site.run("registry alone", uplink, [_mirror(uplink.port)])


def _pull_through(site: Site, registry: Registry) -> None:
    with (
        Uplink(registry.port, _RATE) as uplink,
        Registry(site.folder / "pull-through", proxied=uplink.url) as cache,
    ):
        site.run("pull-through registry", uplink, [_mirror(cache.port)])


def _cached(kind: str) -> Callable[[Site, Registry], None]:
    def run(site: Site, registry: Registry) -> None:
        with Uplink(registry.port, _RATE) as uplink, WebCache(site.folder / kind, uplink.url, kind) as cache:
            site.run(kind, uplink, [_mirror(cache.port), _mirror(uplink.port)])

    run.__name__ = kind
    return run


def _dying(site: Site, registry: Registry) -> None:
    with Uplink(registry.port, _RATE) as uplink, ExitStack() as stack:
        cache = stack.enter_context(WebCache(site.folder / "dying", uplink.url))
        mirrors = [_mirror(cache.port), _mirror(uplink.port)]
        site.run("nginx, which fails when half are ready", uplink, mirrors, stack.close)


def _damaged(site: Site, registry: Registry) -> None:
    with Uplink(registry.port, _RATE, flip_every=_ARCHIVES_FOR_EACH_FLIP * _ARCHIVE) as uplink:
        archives = len(site.begins) * _ARCHIVES
        name = f"registry alone, with a flipped byte in {archives // _ARCHIVES_FOR_EACH_FLIP} of {archives} archives"
        site.run(name, uplink, [_mirror(uplink.port)])


def _outage(site: Site, registry: Registry) -> None:
    with Uplink(registry.port, _RATE) as uplink:
        half = len(site.begins) * _ARCHIVES * _ARCHIVE / 2

        def cut_half_way() -> None:
            while uplink.received < half:
                time.sleep(0.1)
            uplink.cut(_OUTAGE)

        threading.Thread(target=cut_half_way, daemon=True).start()  # if machines fail, half may never be ready
        site.run(f"registry alone, an outage of {_OUTAGE:.0f} s half-way", uplink, [_mirror(uplink.port)])


# The model


def model(
    name: str,
    machines: int,
    within: float,
    size: float,
    rate: float,
    *,
    more_seconds: float = 0.0,
    racks: int | None = None,
    tiers: int = 1,
    coalesces: bool = True,
    dying: float = 0.0,
    damaged: float = 0.0,
    outage: tuple[float, float] | None = None,
    pause: Callable[[int, float], float] | None = None,
    tries: int | None = None,
) -> Result:
    """Simulate a fleet; ``racks`` caches before the registry (one for 40 machines by default), of which a share
    ``dying`` fails.

    ``outage`` is when the registry fails, and for how long, in seconds; ``pause`` and ``tries`` set other retries.
    """
    clock, fleet = Clock(), Fleet()
    origin = Origin(clock, rate, GBIT)
    count = max(1, machines // 40) if racks is None else racks
    parent = Cache(clock, origin, size, rate=10 * GBIT, each=10 * GBIT) if tiers == 2 else origin
    caches = [Cache(clock, parent, size, rate=10 * GBIT, each=GBIT, coalesces=coalesces) for _ in range(count)]
    ready = 0

    def on_ready() -> None:
        nonlocal ready
        ready += 1
        if ready == machines // 2:
            for cache in caches[: round(dying * count)]:
                cache.die()

    for number, begins in enumerate(trace(machines, within)):
        servers: list[Origin | Cache] = [caches[number % count], origin] if caches else [origin]
        Machine(
            clock,
            fleet,
            servers,
            size,
            begins=begins,
            more_seconds=more_seconds,
            damaged=damaged > 0 and number % round(1 / damaged) == 0,
            on_ready=on_ready,
            pause=pause,
            tries=tries,
        )
    if outage:
        clock.after(outage[0], lambda: origin.set_down(True))
        clock.after(outage[0] + outage[1], lambda: origin.set_down(False))
    clock.run()
    after = sum(outage) if outage else 0.0
    peak = max((count for second, count in origin.seconds.items() if second >= after), default=0)
    return Result(name, machines, origin.link.sent, fleet.ready, fleet.given_up, fleet.retries, peak)


def run_model(machines: int, size: float, within: float) -> None:
    """The table of the model."""
    print(_header("most requests in a second"))

    def show(name: str, rate: float = GBIT, **more: object) -> None:
        print(model(name, machines, within, size, rate, **more).row(), flush=True)  # type: ignore[arg-type]

    for rate, label in ((GBIT, "1 Gbit/s"), (10 * GBIT, "10 Gbit/s")):
        show(f"registry alone, {label}", rate, racks=0)
        show(f"one cache that does not coalesce, {label}", rate, racks=1, coalesces=False)
        show(f"a cache in each rack, {label}", rate)
        show(f"and one before them, {label}", rate, tiers=2)
    show("a cache in each rack, half of them die half-way", dying=0.5)
    show("a cache in each rack, 1 % of copies damaged", damaged=0.01)
    show("a cache in each rack, an outage of 120 s after 60 s", outage=(60.0, 120.0))
    show("registry alone, 10 Gbit/s, an outage of 120 s after 60 s", 10 * GBIT, racks=0, outage=(60.0, 120.0))
    show(
        "the same, `Retry-After: 120` obeyed to the second",
        10 * GBIT,
        racks=0,
        outage=(60.0, 120.0),
        pause=lambda idle, left: 120.0,
    )
    show(
        "the same, at most four attempts",
        10 * GBIT,
        racks=0,
        outage=(60.0, 120.0),
        pause=lambda idle, left: 0.5 * 2 ** (idle - 1),
        tries=4,
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--processes", type=int, default=40, help="machines that are real processes (40); 0 for none")
    parser.add_argument("--only", default="", help="of the rows with processes, those with this in their names")
    parser.add_argument("--machines", type=int, default=10_000, help="machines of the model (10 000)")
    parser.add_argument(
        "--size", type=float, default=105e6, help="bytes that a machine of the model downloads (105 MB)"
    )
    parser.add_argument("--within", type=float, default=10.0, help="seconds in which all machines begin (10)")
    options = parser.parse_args()
    if options.processes:
        run_processes(options.processes, options.within, options.only)
        print()
    run_model(options.machines, options.size, options.within)
    return 0


if __name__ == "__main__":
    sys.exit(main())
