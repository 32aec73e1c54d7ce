"""The entry that another tool means, by its name or by a version.

Nothing is downloaded or installed, and nothing outside of the lock file is found.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from provision.errors import ProvisionError
from provision.host.detect import detect_host
from provision.lock.lock import LockedPython
from provision.model.target import Target
from provision.model.value import frozen
from provision.workflows.options import Options
from provision.workflows.project import Project
from provision.workflows.use import which

_32_BIT = ("i686", "armv7")
_MACHINES = {"aarch64": "arm64", "i686": "x86"}  # as other tools name them


@frozen
class InterpreterSpec:
    """A version with the other properties that a tool requests; None and empty match anything.

    ``numbers`` are major, minor and micro. ``accepts`` judges a version by ranges. Free-threaded and debug builds match
    only specs that name them.
    """

    numbers: tuple[int | None, int | None, int | None] = (None, None, None)
    accepts: Callable[[str], bool] | None = None
    implementation: str = ""
    freethreaded: bool = False
    debug: bool = False
    bits: int | None = None
    machine: str = ""

    def matches(self, python: LockedPython, target: Target) -> bool:
        """Whether an entry is of this version and kind on a target; a spec without any version matches nothing."""
        if self.numbers[0] is None and self.accepts is None:
            return False
        has = (python.version.major, python.version.minor, python.version.patch)
        return (
            self.implementation in {"", python.implementation}
            and all(wanted in {None, number} for wanted, number in zip(self.numbers, has, strict=True))
            and (self.accepts is None or self.accepts(str(python.version)))
            and self.freethreaded == python.options.freethreaded
            and self.debug == python.options.debug
            and (self.bits is None or (self.bits == 32) == (target.arch in _32_BIT))
            and self.machine in {"", _MACHINES.get(target.arch, target.arch)}
        )


@frozen(kw_only=False)
class NotUsable:
    """The lock file has the entry, but its interpreter cannot be used here."""

    name: str
    error: ProvisionError


def discover(options: Options, name: str, spec: InterpreterSpec) -> Path | NotUsable | None:
    """The interpreter of the entry ``name``, or else of the newest entry that ``spec`` matches.

    None outside of a project, without a lock file, and if no entry is meant: the caller may then look elsewhere. The
    result is that of `which`: of a tree whose receipt has the locked sha256, without visible damage.
    """
    try:
        loaded = Project.find(options).lock()
    except ProvisionError:
        return None
    chosen = _choose(loaded.lock.pythons, name, spec) if loaded else None
    if chosen is None:
        return None
    try:
        return which(options, chosen).executable
    except ProvisionError as error:
        return NotUsable(chosen, error)


def _choose(pythons: tuple[LockedPython, ...], name: str, spec: InterpreterSpec) -> str | None:
    if any(python.name == name for python in pythons):
        return name
    host = detect_host()
    newest: LockedPython | None = None
    for python in pythons:
        target = next((each for each in (host.target, *host.emulated) if each in python.targets()), None)
        if target is None or not spec.matches(python, target):
            continue
        if newest is None or (python.version, python.build) > (newest.version, newest.build):
            newest = python
    return newest.name if newest else None
