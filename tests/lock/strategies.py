"""Random locks for the lock's property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from provision.lock.keys import read_url
from provision.lock.lock import LOCK_VERSION, Lock, LockedPython
from provision.model.asset import CPU_LEVELS, FLAVORS, IMPLEMENTATIONS, OPTIONS, Asset, BuildOptions, Digest
from provision.model.target import KNOWN_TARGETS
from provision.model.tree import REMOVABLE_PARTS, TreeOptions
from provision.model.version import Version


def _names_a_file(url: str) -> bool:
    try:
        return bool(read_url(url))
    except ValueError:
        return False


digests = st.integers(0, 2**256 - 1).map(lambda number: Digest(f"{number:064x}"))
numbers = st.integers(0, 99)
stages = st.sampled_from([(3, 0)]) | st.tuples(st.integers(0, 2), numbers)
versions = st.builds(Version, major=st.just(3), minor=numbers, patch=numbers, stage=stages)
options = st.sets(st.sampled_from(OPTIONS)).map(BuildOptions.of)
_WORD = "abc019._-"
names = st.builds("{}{}".format, st.sampled_from("a0"), st.text(_WORD, max_size=6)).map(lambda name: name.rstrip("."))
builds = st.builds("{}{}".format, st.sampled_from("aZ0"), st.text(_WORD, max_size=6))
urls = st.text("aZ0._~%+-/?=", max_size=9).map("https://example.com/a{}x".format).filter(_names_a_file)
times = st.builds("{:04}-{:02}-{:02}T10:00:00Z".format, st.integers(0, 9999), st.integers(1, 12), st.integers(1, 28))
trees = st.builds(
    TreeOptions,
    bytecode=st.booleans(),
    externally_managed=st.booleans(),
    without=st.sets(st.sampled_from(REMOVABLE_PARTS)).map(lambda parts: tuple(sorted(parts))),
)
slots = st.sampled_from(
    [
        (target, cpu)
        for target in KNOWN_TARGETS.values()
        for cpu in CPU_LEVELS
        if cpu == "baseline" or target.arch == "x86_64"
    ]
)


@st.composite
def pythons(draw: st.DrawFn) -> LockedPython:
    implementation, version, build = draw(st.sampled_from(IMPLEMENTATIONS)), draw(versions), draw(builds)
    flavor = draw(st.sampled_from(FLAVORS))
    assets = [
        Asset(
            implementation=implementation,
            version=version,
            build=build,
            target=target,
            cpu=cpu,
            options=draw(options),
            flavor=flavor,
            url=draw(urls),
            sha256=draw(digests),
            size=draw(st.none() | st.integers(0, 2**40)),
            published=draw(st.none() | times),
        )
        for target, cpu in draw(st.sets(slots, min_size=1, max_size=3))
    ]
    return LockedPython.of(draw(names), draw(digests), assets, draw(trees))


@st.composite
def locks(draw: st.DrawFn) -> Lock:
    entries = draw(st.lists(pythons(), max_size=3, unique_by=lambda python: python.name))
    return Lock(version=LOCK_VERSION, pythons=tuple(sorted(entries, key=lambda python: python.name)))
