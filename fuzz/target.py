"""`Target`, a fuzz target: where all targets are, and the inputs that broke them before.

A target is a module in `fuzz/targets` with a `TARGET`; the module's name is the target's. An input that ever broke a
law is a file in `tests/regressions/<target>`, and every test run tries it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from hypothesis.strategies import SearchStrategy

_FOUND = Path(__file__).parent.parent / "tests" / "regressions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """``inputs`` are bytes, sound and not, as the code under test would meet them. ``check`` raises if a law is broken.

    Bytes, also where they are drawn from a structure: so that what was found can be kept as a file, whatever becomes of
    the strategy that drew it. Refusing an input in the way that the code promises is no breach.
    """

    inputs: SearchStrategy[bytes]
    check: Callable[[bytes], None]


def names() -> tuple[str, ...]:
    """All targets, sorted."""
    modules = (Path(__file__).parent / "targets").glob("*.py")
    return tuple(sorted(module.stem for module in modules if module.stem != "__init__"))


def load(name: str) -> Target:
    target = import_module(f"fuzz.targets.{name}").TARGET
    assert isinstance(target, Target)
    return target


def regressions(name: str) -> Iterator[bytes]:
    """What broke a target before."""
    for path in sorted((_FOUND / name).glob("*.bin")):
        yield path.read_bytes()


def keep(name: str, data: bytes) -> Path:
    """Keep an input that broke a target."""
    path = _FOUND / name / f"{hashlib.sha256(data).hexdigest()[:16]}.bin"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
