"""Owns the x86-64 level of this machine (baseline, v2, v3, v4), as its kernel lets programs use it.

The levels are the x86-64 psABI's lists of features, in the kernel's spelling. archspec has the same lists and judges
ours in the tests; importing it costs twice a whole `python -c pass`, and it reads the first processor only.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from provision.errors import UsageError
from provision.host.kernel import Kernel, read_kernel, sysctl
from provision.model.asset import CPU_LEVELS, CpuLevel

CEILING = "PROVISION_CPU"

# What each level adds to the one below it. `pni` is SSE3, `abm` has LZCNT; `xsave` stands for OSXSAVE, which the kernel
# does not list: it drops avx and what follows from its list unless it saves their registers.
_ADDED: dict[CpuLevel, frozenset[str]] = {
    "v2": frozenset({"cx16", "lahf_lm", "pni", "popcnt", "sse4_1", "sse4_2", "ssse3"}),
    "v3": frozenset({"abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "xsave"}),
    "v4": frozenset({"avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl"}),
}

# macOS' spelling where it differs from Linux', in lower case.
_DARWIN = {"sse3": "pni", "sse4.1": "sse4_1", "sse4.2": "sse4_2", "avx1.0": "avx", "lahf": "lahf_lm", "lzcnt": "abm"}
_DARWIN_LISTS = ("machdep.cpu.features", "machdep.cpu.leaf7_features", "machdep.cpu.extfeatures")


def level(root: Path = Path("/"), *, kernel: Kernel | None = None, environ: Mapping[str, str] = os.environ) -> CpuLevel:
    """The highest level that programs may use here; ``baseline`` where that cannot be told, or means nothing.

    ``PROVISION_CPU`` lowers it, for images that are built on a better machine than they will run on; it never raises
    it. On Apple silicon it is the level of Intel programs under Rosetta, which has no AVX. For Windows there are builds
    of one level only.
    """
    kernel = kernel or read_kernel()
    match kernel.system:
        case "Linux":
            found = level_of(_linux_features(root))
        case "Darwin" if kernel.machine == "arm64":
            found = "v2"
        case "Darwin":
            found = level_of(
                darwin_features(*(sysctl(name).decode("ascii", "replace").rstrip("\0") for name in _DARWIN_LISTS))
            )
        case _:
            found = "baseline"
    ceiling = _ceiling(environ)
    return found if ceiling is None else min(found, ceiling, key=CPU_LEVELS.index)


def level_of(features: frozenset[str]) -> CpuLevel:
    """The highest level all of whose features, and all of those below it, are there."""
    reached: CpuLevel = "baseline"
    for name, added in _ADDED.items():
        if not added <= features:
            break
        reached = name
    return reached


def linux_features(cpuinfo: str) -> frozenset[str]:
    """The features that all processors of a ``/proc/cpuinfo`` have; none where it lists none, as on other machines."""
    lines = {line for line in cpuinfo.split("\n") if line.startswith("flags")}
    return (
        frozenset.intersection(*(frozenset(line.partition(":")[2].split()) for line in lines)) if lines else frozenset()
    )


def darwin_features(*lists: str) -> frozenset[str]:
    """The features of macOS' ``machdep.cpu.*features``, in Linux' spelling.

    Without OSXSAVE no AVX is usable, whatever else is listed.
    """
    words = frozenset(" ".join(lists).lower().split())
    features = frozenset(_DARWIN.get(word, word) for word in words)
    return features if "osxsave" in features else features - {"xsave", "avx"}


def _linux_features(root: Path) -> frozenset[str]:
    try:
        return linux_features((root / "proc/cpuinfo").read_text("ascii", "replace"))
    except OSError:  # no /proc in many a chroot: nothing is promised there
        return frozenset()


def _ceiling(environ: Mapping[str, str]) -> CpuLevel | None:
    wanted = environ.get(CEILING)
    if not wanted:
        return None
    for name in CPU_LEVELS:
        if wanted == name:
            return name
    raise UsageError(
        f"{CEILING} is {wanted!r}, and must be one of {', '.join(CPU_LEVELS)}", hint=f"Unset {CEILING} for no limit."
    )
