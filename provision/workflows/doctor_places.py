"""The checks of `doctor` on the store, cache, network, clock and TLS authorities."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Literal

from provision.errors import ProvisionError, SeveralErrors, reason_of
from provision.host.execute import noexec_error, refuses_programs
from provision.host.files import exists, is_directory
from provision.model.value import frozen
from provision.protocols import Progress
from provision.store.archives import ArchiveCache
from provision.store.layout import Store
from provision.store.receipts import installed_receipts
from provision.text import plural, size
from provision.url import Url, without_credentials
from provision.workflows.options import Options, open_fetcher

_LITTLE_SPACE, _NO_SPACE = 2_000_000_000, 200_000_000
# File systems of other machines, on which locks and executables may not work as on a local one.
_REMOTE = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "afs", "ceph", "glusterfs", "lustre", "fuse.sshfs", "vboxsf"})
_MOUNTS = Path("/proc/self/mountinfo")
# The sources of downloads without a mirror; the second is used if the first fails.
_SERVERS = ("https://github.com/", "https://releases.astral.sh/")
_REFUSALS = frozenset({401, 403, 407, 429})
_CLOCK_NOTE, _CLOCK_PROBLEM = timedelta(minutes=5), timedelta(days=1)


State = Literal["ok", "note", "problem"]


@frozen
class Check:
    """One finding about ``subject``; ``hint`` is what to do."""

    subject: str
    state: State
    text: str
    hint: str = ""


def check_places(options: Options, progress: Progress, *, now: datetime) -> Iterator[Check]:
    """Check all of them; ``now`` is the time of this machine."""
    yield from _directory("store", options.home, "PROVISION_HOME")
    for base in options.bases:
        yield _base_store(base)
    if refuses_programs(options.home):
        error = noexec_error(options.home)
        yield Check(subject="store", state="problem", text=error.message, hint=error.hint or "")
    yield from _directory("cache", options.cache, "PROVISION_CACHE_DIR")
    if is_directory(options.cache):
        yield Check(subject="cache", state="ok", text=f"{size(ArchiveCache(options.cache).size())} of archives")
    yield from _authorities(options)
    times: list[datetime] = []
    yield from _network(options, progress, times)
    yield from _clock(now, times)


def _base_store(home: Path) -> Check:
    """A read-only store: whether it has trees, and whether they can run."""
    if refuses_programs(home):
        error = noexec_error(home)
        return Check(subject="store", state="problem", text=error.message, hint=error.hint or "")
    count = len(installed_receipts(Store(home)))
    if not count:
        hint = "Mount it, or remove it from PROVISION_STORES."
        return Check(subject="store", state="problem", text=f"{home} of PROVISION_STORES has no trees", hint=hint)
    return Check(subject="store", state="ok", text=f"{home}: {plural(count, 'tree')}, only read")


def _directory(subject: str, path: Path, variable: str) -> Iterator[Check]:
    """Whether a directory, or the nearest one above it that exists, can be used."""
    existing = next(place for place in (path, *path.parents) if exists(place) or place == place.parent)
    if not is_directory(existing):
        hint = f"Set {variable} to a directory of your own."
        yield Check(subject=subject, state="problem", text=f"{path}: {existing} is not a directory", hint=hint)
        return
    try:
        kind = _file_system(existing)
        free = shutil.disk_usage(existing).free
    except OSError as error:
        hint = f"Set {variable} to a directory of your own."
        yield Check(subject=subject, state="problem", text=f"{path}: {reason_of(error)}", hint=hint)
        return
    text = f"{path}, {size(free)} free" + (f", {kind}" if kind else "")
    if existing != path:
        text += "; does not exist yet"
    if not os.access(existing, os.W_OK | os.X_OK):
        hint = f"Set {variable} to a directory of your own, to install anything."
        state: State = "note" if existing == path else "problem"
        yield Check(subject=subject, state=state, text=f"{text}: cannot be written", hint=hint)
        return
    if free < _NO_SPACE:
        yield Check(subject=subject, state="problem", text=text, hint="Free some space, or run `provision prune`.")
    elif free < _LITTLE_SPACE:
        yield Check(subject=subject, state="note", text=text, hint="An interpreter takes 100 to 500 MB.")
    elif kind in _REMOTE:
        hint = f"If commands wait for each other or fail there, set {variable} to a local directory."
        yield Check(subject=subject, state="note", text=text, hint=hint)
    else:
        yield Check(subject=subject, state="ok", text=text)
    if existing == path and (reason := _why_no_lock(path)):
        hint = f"Set {variable} to a directory on a local file system."
        yield Check(subject=subject, state="problem", text=f"{path}: process locks do not work: {reason}", hint=hint)


def _file_system(path: Path) -> str:
    """The type of the file system that a path is on; empty if the system does not report it."""
    try:
        lines = _MOUNTS.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return ""
    device = os.stat(path).st_dev  # noqa: PTH116
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in lines:
        before, _, after = line.partition(" - ")
        if before.split()[2] == number:
            return after.split()[0]
    return ""


if sys.platform == "win32":

    def _why_no_lock(directory: Path) -> str:
        return ""

else:

    def _why_no_lock(directory: Path) -> str:
        """Why a file in a directory cannot be locked; empty if it can."""
        import fcntl

        try:
            with tempfile.NamedTemporaryFile(dir=directory, prefix=".doctor-") as file:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return reason_of(error)
        return ""


def _authorities(options: Options) -> Iterator[Check]:
    from provision.errors import UsageError
    from provision.fetch.connect import tls_context

    named = [
        f"{name}={options.environ[name]}" for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if options.environ.get(name)
    ]
    try:
        count = len(tls_context(options.environ).get_ca_certs())
    except UsageError as error:
        yield Check(subject="authorities", state="problem", text=error.message, hint=error.hint or "")
        return
    text = f"{', '.join(named)} alone" if named else "those of the system and of certifi"
    yield Check(subject="authorities", state="ok", text=f"{text}; {count} loaded at once")


def _network(options: Options, progress: Progress, times: list[datetime]) -> Iterator[Check]:
    """Request one byte from each server; their times are added to ``times``."""
    if options.offline:
        yield Check(subject="network", state="note", text="not checked (offline)")
        return
    with open_fetcher(options, progress) as fetcher:
        for text in options.mirrors or _SERVERS:
            shown = without_credentials(text)
            try:
                url = fetcher.address_of(text)
                if url.scheme == "file":
                    yield _mirror_directory(url, shown)
                    continue
                answer = fetcher.ask(url)
            except (ProvisionError, ValueError) as error:
                yield _unreachable(shown, error)
                continue
            if answer.status in _REFUSALS:
                hint = "Check the credentials (.netrc, `docker login`, AWS_*) and the rules of the proxy."
                yield Check(subject="network", state="problem", text=f"{shown}: HTTP {answer.status}", hint=hint)
            else:
                yield Check(subject="network", state="ok", text=f"{shown} answers (HTTP {answer.status})")
            try:
                times.append(parsedate_to_datetime(answer.headers.get("date", "")))
            except (TypeError, ValueError):
                continue


def _mirror_directory(url: Url, shown: str) -> Check:
    if is_directory(url.file_path()):
        return Check(subject="network", state="ok", text=f"{shown} is a directory")
    hint = "Correct `--mirror` or PROVISION_MIRROR."
    return Check(subject="network", state="problem", text=f"{shown}: no such directory", hint=hint)


def _unreachable(shown: str, error: ProvisionError | ValueError) -> Check:
    one = error.errors[0] if isinstance(error, SeveralErrors) else error
    hint = (one.hint if isinstance(one, ProvisionError) else "") or "Check the network and HTTPS_PROXY."
    text = " ".join(str(one).split())
    return Check(subject="network", state="problem", text=f"{shown}: {text}", hint=hint)


def _clock(now: datetime, times: list[datetime]) -> Iterator[Check]:
    """Compare this machine's time with that of servers, and with the day of the bundled catalog."""
    from provision.catalog.snapshot import bundled_snapshot

    shown = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    hint = "Set the clock of this machine: certificates and `cooldown` depend on it."
    day = bundled_snapshot().as_of[:10]
    if now.astimezone(UTC).strftime("%Y-%m-%d") < day:
        text = f"{shown} is before the date of the bundled catalog, {day}"
        yield Check(subject="clock", state="problem", text=text, hint=hint)
        return
    # A server with a wrong clock does not count if another one agrees with this machine.
    away = min((abs(now - time.astimezone(UTC)) for time in times), default=None)
    if away is None:
        yield Check(subject="clock", state="ok", text=f"{shown}; not compared with a server")
    elif away > _CLOCK_NOTE:
        state: State = "problem" if away > _CLOCK_PROBLEM else "note"
        text = f"{shown} differs from the time of servers by {int(away.total_seconds())} s"
        yield Check(subject="clock", state=state, text=text, hint=hint)
    else:
        yield Check(subject="clock", state="ok", text=f"{shown}, the same as on the servers")
