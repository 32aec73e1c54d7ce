"""What all measurements need, in ``.bench/``: tools, archives, a server, directories."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.archives import Archive, gather
from benchmarks.server import Servers, serve_archives
from benchmarks.timing import Command
from benchmarks.uv import uv_downloads
from provision import __version__
from provision.model.value import frozen

# The commit of `before ÷ now`: the last one before downloading and unpacking became one pipeline.
BEFORE = "8bf3b99771c8ece8b487ae4e1bc3c97c6afb31b8"
_OLD_PIP = "pip==23.2.1"  # the version that came with Python 3.11 and 3.12

_DISK, _MEMORY = "disk", "memory"


@frozen
class Bench:
    """Everything that rows use: ``places`` are directories to work in, ``before`` is an earlier commit."""

    root: Path
    folder: Path
    archives: dict[str, Archive]
    servers: Servers
    places: dict[str, Path]
    before: str

    @property
    def python(self) -> str:
        """The Python that runs provision, and that makes ``python -c pass``."""
        return str(self.folder / "venv" / "bin" / "python")

    @property
    def uv(self) -> str:
        return str(self.folder / "others" / "bin" / "uv")

    @property
    def fast(self) -> str:
        return self.servers.fast

    def place(self, kind: str, *names: str | int) -> Path:
        """A new directory on disk or in memory."""
        path = self.places[kind].joinpath(*map(str, names))
        path.mkdir(parents=True)
        return path

    def clear(self) -> None:
        """Remove what a row has made in memory. Files on disk are kept until the end: ext4 checks every file deleted
        within the last minutes when it makes new ones.
        """
        if _MEMORY in self.places:
            shutil.rmtree(self.places[_MEMORY])
            self.places[_MEMORY].mkdir()
        os.sync()

    def environ(self, **more: str | Path) -> dict[str, str]:
        """A plain environment, with some more in it."""
        return {"PATH": os.defpath, "HOME": str(self.folder / "nobody"), **{name: str(it) for name, it in more.items()}}

    def provision(
        self, where: Path, *words: str, home: Path | None = None, cache: Path | None = None, program: Path | None = None
    ) -> Command:
        """A command of provision in a project's directory; home and cache are next to it unless given."""
        environ = self.environ(
            PROVISION_HOME=home or where.parent / "home", PROVISION_CACHE_DIR=cache or where.parent / "cache"
        )
        program = program or self.folder / "venv" / "bin" / "provision"
        return Command(argv=(str(program), *words), cwd=where, environ=environ)

    def made_by_old_pip(self) -> Path | None:
        """The command as installed by an old pip; None if that is not available."""
        venv = self.folder / "old-pip"
        try:
            _install(venv, [str(self.root)], renew=True, pip=_OLD_PIP)
        except subprocess.CalledProcessError:
            return None
        return venv / "bin" / "provision"

    def built_before(self) -> Path | None:
        """The command at the earlier commit, in a separate environment; None if git or pip cannot provide it."""
        source, venv = self.folder / f"source-{self.before}", self.folder / f"venv-{self.before}"
        if not (venv / "bin" / "provision").exists():
            archive = source.with_suffix(".tar")
            words = ["git", "archive", "--output", str(archive), self.before]
            try:
                subprocess.run(words, cwd=self.root, check=True, capture_output=True)
                shutil.unpack_archive(archive, source)
                _install(venv, [str(source)], renew=True)
            except (OSError, subprocess.CalledProcessError):
                return None
        return venv / "bin" / "provision"

    def uv_install(self, where: Path, labels: Sequence[str], *, server: str, cached: Path | None = None) -> Command:
        """uv's command that installs the same archives; it caches them in ``cached``, or by default not at all."""
        downloads, keys = uv_downloads(where, [self.archives[label] for label in labels], server)
        environ = self.environ(
            UV_PYTHON_INSTALL_DIR=where.parent / "pythons",
            UV_PYTHON_BIN_DIR=where.parent / "bin",
            UV_CACHE_DIR=where.parent / "uv-cache",
            UV_NO_CONFIG="1",
            UV_NO_PROGRESS="1",
            **({"UV_PYTHON_CACHE_DIR": cached} if cached else {}),
        )
        words = ("python", "install", "--python-downloads-json-url", str(downloads), *keys)
        return Command(argv=(self.uv, *words), cwd=where, environ=environ)

    def pass_(self, where: Path) -> Command:
        return Command(argv=(self.python, "-c", "pass"), cwd=where, environ=self.environ())

    def project(self, where: Path, labels: Sequence[str], *, server: str | None = None) -> Path:
        """A project that has locked these archives: the manifest, and the lock next to it."""
        text = self._locked(tuple(labels))
        where.mkdir(parents=True, exist_ok=True)
        shutil.copy(self._locked_at(labels) / "pythons.toml", where)
        (where / "pythons.lock").write_text(text.replace(self.fast, server or self.fast))
        return where

    def _locked_at(self, labels: Sequence[str]) -> Path:
        return self.folder / "locked" / f"{'-'.join(labels)[:60]}-{len(labels)}"

    def _locked(self, labels: tuple[str, ...]) -> str:
        where = self._locked_at(labels)
        if not (where / "pythons.lock").exists():
            where.mkdir(parents=True)
            write_manifest(where, [self.archives[label] for label in labels], self.fast)
            command = self.provision(where, "lock")
            subprocess.run(command.argv, cwd=where, env=dict(command.environ), check=True, capture_output=True)
        return (where / "pythons.lock").read_text()

    def facts(self) -> list[tuple[str, str]]:
        """The conditions on which the figures depend, for RESULTS.md."""
        told = subprocess.run([self.uv, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        return [
            ("machine", f"{_processor()}, {os.cpu_count()} cores, {_memory_size()}"),
            ("system", f"{platform.system()} {platform.release()}, {_distribution()}"),
            ("Python", platform.python_version()),
            ("provision", __version__),
            ("uv", told),
            ("server", self.servers.name),
            *((f"archive {one.label}", _size(one)) for one in self.archives.values()),
        ]


@contextmanager
def open_bench(root: Path, *, in_memory_only: bool = False, before: str = BEFORE) -> Iterator[Bench]:
    """Set up what is missing, and serve the archives."""
    folder = root / ".bench"
    for name in ("locked", "nobody"):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / "nobody").mkdir(parents=True)
    _install(folder / "venv", [str(root)], renew=True)
    _install(folder / "others", ["uv", "pbs-installer"], renew=False)
    shared = Path(os.environ.get("PROVISION_TEST_INTERPRETERS", root.parent / "shared" / "interpreters"))
    words = [str(folder / "archives"), *([str(shared)] if shared.is_dir() else [])]
    subprocess.run([sys.executable, "-m", "benchmarks.archives", *words], cwd=root, check=True)
    archives = gather(folder / "archives", shared if shared.is_dir() else None)
    places = {} if in_memory_only else {_DISK: folder / f"work-{os.getpid()}"}
    memory = Path("/dev/shm")
    if os.access(memory, os.W_OK):
        places[_MEMORY] = memory / f"provision-bench-{os.getpid()}"
    for place in places.values():
        place.mkdir(parents=True)
    try:
        with serve_archives(folder / "archives", folder / "server") as servers:
            yield Bench(root=root, folder=folder, archives=archives, servers=servers, places=places, before=before)
    finally:
        for place in places.values():
            shutil.rmtree(place, ignore_errors=True)


def write_manifest(where: Path, archives: Sequence[Archive], server: str) -> None:
    """A manifest that requests exactly these archives, and the custom catalog that has them."""
    lines, rows = [], []
    for archive in archives:
        name = archive.name
        release = f"{name.version}+{name.build}"
        artifact = {
            "platform": str(name.target),
            "variant": archive.path.name.partition(f"{name.target}-")[2].partition(".")[0].replace("-", "+"),
            "url": f"{server}/{archive.path.name.replace('+', '%2B')}",
            "archive_format": archive.path.name.partition(".tar.")[2],
            "sha256": archive.sha256,
            "size": archive.path.stat().st_size,
        }
        rows.append({"version": release, "date": "2026-11-01T00:00:00Z", "artifacts": [artifact]})
        asked = f'version = "{name.version}{name.options.abi_suffix}", build = "{name.build}", flavor = "{name.flavor}"'
        lines.append(f"{archive.label} = {{ {asked} }}\n")
    (where / "catalog.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    text = f'[settings]\ncatalogs = ["{where / "catalog.ndjson"}"]\n\n[pythons]\n{"".join(lines)}'
    (where / "pythons.toml").write_text(text)


def _install(venv: Path, packages: Sequence[str], *, renew: bool, pip: str = "pip") -> None:
    """A virtual environment with packages as a user installs them, bytecode included."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    install = [str(venv / "bin" / "python"), "-m", "pip", "install", "-qq"]
    fresh = not venv.exists()
    if fresh:
        subprocess.run([sys.executable, "-m", "venv", str(venv)], env=environ, check=True)
        # The commands of older pips import `re` before anything else.
        subprocess.run([*install, "--upgrade", pip], env=environ, check=True)
    if fresh or renew:
        subprocess.run([*install, *packages], env=environ, check=True)


def _size(archive: Archive) -> str:
    packed = archive.path.stat().st_size / 1e6
    return f"{archive.path.name}: {packed:.1f} MB, unpacked {archive.size / 1e6:.0f} MB in {archive.members} members"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _memory_size() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB"


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return ""
