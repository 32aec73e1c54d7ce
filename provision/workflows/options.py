"""Owns what all commands share, where things are and what may be used; the environment is read here, once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from provision.errors import UsageError
from provision.host.paths import cache_home, data_home
from provision.model.value import frozen

DEFAULT_JOBS = 4
_FALSE = frozenset({"", "0", "false", "no", "off"})


@frozen
class Options:
    """The settings of one run. ``jobs`` bounds how many interpreters are worked on at once."""

    environ: Mapping[str, str]
    home: Path
    cache: Path
    manifest: Path | None = None
    offline: bool = False
    mirrors: tuple[str, ...] = ()
    allow_hosts: tuple[str, ...] = ()
    jobs: int = DEFAULT_JOBS

    @classmethod
    def of(
        cls,
        environ: Mapping[str, str],
        *,
        home: Path | None = None,
        cache: Path | None = None,
        manifest: Path | None = None,
        offline: bool = False,
        mirrors: tuple[str, ...] = (),
        allow_hosts: tuple[str, ...] = (),
        jobs: int | None = None,
    ) -> Options:
        """What the command line says, and where it is silent, what ``PROVISION_*`` says.

        Raises `UsageError` for a variable that makes no sense.
        """
        named = environ.get("PROVISION_MANIFEST")
        return cls(
            environ=environ,
            home=home.absolute() if home else data_home(environ),
            cache=cache.absolute() if cache else cache_home(environ),
            manifest=manifest or (Path(named) if named else None),
            offline=offline or flag(environ, "PROVISION_OFFLINE"),
            mirrors=mirrors or tuple(environ.get("PROVISION_MIRROR", "").split()),
            allow_hosts=allow_hosts + tuple(environ.get("PROVISION_ALLOW_HOSTS", "").replace(",", " ").split()),
            jobs=jobs or _jobs(environ),
        )


def flag(environ: Mapping[str, str], name: str) -> bool:
    """Whether a variable is switched on: set, and not to ``0``, ``false``, ``no`` or ``off``."""
    return environ.get(name, "").lower() not in _FALSE


def _jobs(environ: Mapping[str, str]) -> int:
    text = environ.get("PROVISION_JOBS")
    if not text:
        return DEFAULT_JOBS
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise UsageError(f"PROVISION_JOBS is {text!r}; expected a number from 1 to 64")
    return int(text)
