"""Shared by the tests of fetching: assets, quick settings, recorded progress."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from provision.fetch.fetcher import Fetcher
from provision.fetch.settings import MIB, DownloadSettings
from provision.measures import Measure
from provision.model.asset import Asset, Digest
from provision.model.target import Target
from provision.model.value import replace
from provision.model.version import Version
from provision.store.archives import ArchiveCache
from tests.support.faults import Fault, Mute, Stall

TAG = "20261101"
NAME = f"cpython-3.13.5+{TAG}-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz"
PATH = f"{TAG}/{NAME}"

# Every wait as short as possible without failing on a busy machine.
QUICK = DownloadSettings(
    connect_timeout=5.0,
    idle_timeout=5.0,
    total_timeout=30.0,
    retry_timeout=0.3,
    attempts=3,
    backoff=0.01,
    max_pause=0.2,
    connections=1,
)
# For tests that succeed in the end, however busy the machine is.
PATIENT = replace(QUICK, retry_timeout=20.0)
# What ends at once ends within so many seconds on a loaded machine, too. What it must not wait for lasts ten or more.
AT_ONCE = 5.0
PARALLEL = replace(QUICK, connections=4, parallel_min_size=MIB, parallel_after_seconds=0.0)


def patience(fault: Fault) -> DownloadSettings:
    """A short wait only if a server is silent on purpose: on a busy machine, everything may be slow."""
    return replace(QUICK, idle_timeout=0.3, retry_timeout=1.0) if isinstance(fault, Mute | Stall) else PATIENT


def content(size: int, seed: int = 1) -> bytes:
    """Bytes that do not compress and of which no part is like another."""
    return random.Random(seed).randbytes(size)


SMALL = content(300_000)
LARGE = content(3 * MIB, seed=2)  # large by the settings below


def asset(url: str, data: bytes = SMALL, *, size: int | None = None, implementation: str = "cpython") -> Asset:
    """An asset whose content must be ``data``; its size is not known unless given."""
    return Asset(
        implementation=implementation,
        version=Version.parse("3.13.5"),
        build=TAG,
        target=Target.parse("linux-x86_64"),
        flavor="install_only_stripped",
        url=url.replace("+", "%2B"),
        sha256=digest(data),
        size=size,
    )


def digest(data: bytes) -> Digest:
    return Digest(sha256(data).hexdigest())


@dataclass
class RecordedProgress:
    """A progress that records what is reported."""

    notes: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    steps: list[tuple[str, int | None]] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)
    finished: list[str] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)
    noted: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, key: str, title: str, step: str, total: int | None) -> None:
        with self._lock:
            self.steps.append((f"{title}: {step}", total))
            self.done[key] = 0

    def advance(self, key: str, amount: int) -> None:
        with self._lock:
            self.done[key] += amount

    def finish(self, key: str) -> None:
        self.finished.append(key)

    def note(self, text: str) -> None:
        self.notes.append(text)
        self.noted.set()

    def detail(self, text: str) -> None:
        self.details.append(text)

    def record(self, measure: Measure) -> None:
        self.measures.append(measure)


def fetcher(
    tmp_path: Path,
    *,
    settings: DownloadSettings = QUICK,
    mirrors: tuple[str, ...] = (),
    allow_hosts: tuple[str, ...] = (),
    offline: bool = False,
    jobs: int = 4,
    jitter: float = 0.0,
    environ: Mapping[str, str] | None = None,
    progress: RecordedProgress | None = None,
) -> Fetcher:
    """A fetcher over a cache under ``tmp_path``, in an environment with only the given variables."""
    return Fetcher(
        ArchiveCache(tmp_path / "cache"),
        settings=settings,
        mirrors=mirrors,
        allow_hosts=allow_hosts,
        offline=offline,
        jobs=jobs,
        jitter=jitter,
        environ={"HOME": str(tmp_path / "home"), **(environ or {})},
        progress=progress or RecordedProgress(),
    )


def leftovers(tmp_path: Path) -> list[str]:
    """The names of unfinished downloads in the cache."""
    return sorted(path.name.partition(".")[2] for path in ArchiveCache(tmp_path / "cache").directory.glob("*.*"))
