"""`doctor`: the state of this shell, this project and this installation."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from provision import __version__
from provision.errors import ProvisionError, SeveralErrors
from provision.host.files import exists, is_directory, is_file, read_small_file_or_none
from provision.host.variables import KNOWN_VARIABLES, misspelled_variables
from provision.manifest.manifest import Manifest
from provision.manifest.read import NoManifestError
from provision.protocols import NoProgress, Progress
from provision.store.layout import Store
from provision.store.links import BIN, links_directory
from provision.store.trust import is_trusted
from provision.text import plural
from provision.url import without_credentials
from provision.workflows.doctor_places import Check, State, check_places
from provision.workflows.lock import find_stale
from provision.workflows.options import Options
from provision.workflows.project import MANIFEST_NAME, LoadedLock, Project
from provision.workflows.sync import may_relock
from provision.workflows.use import bin_directory

_COMMANDS = ("python3", "python")
# Parts of a path that show its origin.
_MANAGERS = {
    "/.pyenv/shims": "a shim of pyenv",
    "/.pyenv/versions": "pyenv",
    "/mise/shims": "a shim of mise",
    "/mise/installs": "mise",
    "/.asdf/shims": "a shim of asdf",
    "/.asdf/installs": "asdf",
    "/.rye/shims": "a shim of rye",
    "/uv/python/": "uv",
    "/conda": "conda",
}
_START_UP_FILES = (".bashrc", ".bash_profile", ".zshrc", ".config/fish/config.fish")
_LARGEST_START_UP_FILE = 1 << 20
# Variables of others that change which Python runs, or what it loads.
_PYTHON_VARIABLES = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "CONDA_PREFIX", "PYENV_VERSION", "UV_PYTHON")
_SECRET_VARIABLES = ("GITHUB_TOKEN",)
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def doctor(options: Options, progress: Progress | None = None, *, now: datetime | None = None) -> tuple[Check, ...]:
    """Check everything; unless offline, request one byte from each server that downloads may need."""
    environ = options.environ
    project, missing = _find_project(options)
    return (
        *_versions(),
        *_host(environ),
        *_pythons(options, project),
        *_hook(environ, project),
        *(_project_checks(options, project) if project is not None else missing),
        *check_places(options, progress or NoProgress(), now=now or datetime.now(UTC)),
        *_proxies(environ),
        *_variables(environ),
    )


def _find_project(options: Options) -> tuple[Project | None, tuple[Check, ...]]:
    """The project, or else the line that says why there is none."""
    try:
        return Project.find(options), ()
    except NoManifestError:
        hint = "Run `provision init` to create a project."
        return None, (Check(subject="project", state="note", text=f"no {MANIFEST_NAME} here or above", hint=hint),)
    except ProvisionError as error:
        return None, (_failed("project", error),)


_REQUIRED = ("httpcore", "httpx", "certifi", "pydantic", "pyyaml", "rich", "tomlkit", "typer")
# The platforms with wheels; zstd is in the standard library since Python 3.14.
_OPTIONAL = ("backports.zstd", "isal")


def _versions() -> Iterator[Check]:
    yield Check(subject="provision", state="ok", text=f"{__version__}, in {Path(__file__).resolve().parents[1]}")
    python = f"{platform.python_implementation()} {platform.python_version()}, {sys.executable}"
    yield Check(subject="its Python", state="ok", text=python)
    from importlib.metadata import PackageNotFoundError, version

    for name in (*_REQUIRED, *_OPTIONAL):
        try:
            found = version(name)
        except PackageNotFoundError:
            if name not in _OPTIONAL:
                hint = "Install provision again, in a separate environment."
                yield Check(subject="dependency", state="problem", text=f"{name} is not installed", hint=hint)
            continue
        yield Check(subject="dependency", state="ok", text=f"{name} {found}")


def _host(environ: Mapping[str, str]) -> Iterator[Check]:
    from provision.errors import PolicyError
    from provision.host.cpu import cpu_level
    from provision.host.detect import detect_host

    try:
        host = detect_host()
    except PolicyError as error:
        yield _failed("machine", error)
        return
    libc = f", glibc {host.glibc[0]}.{host.glibc[1]}" if host.glibc else ""
    cpu = f", CPU level {cpu_level()}" if "x86_64" in host.target.short else ""
    yield Check(subject="machine", state="ok", text=f"{host.target.short}{libc}{cpu}, {platform.platform()}")
    if environ.get("GITHUB_ACTIONS") == "true":
        names = ("RUNNER_OS", "RUNNER_ARCH", "ImageOS", "ImageVersion", "GITHUB_ACTION_REF", "GITHUB_EVENT_NAME")
        shown = ", ".join(f"{name}={environ[name]}" for name in names if environ.get(name))
        yield Check(subject="runner", state="ok", text=shown or "GitHub Actions")


def _pythons(options: Options, project: Project | None) -> Iterator[Check]:
    """The files that the commands start, and others on PATH that come later."""
    for command in _COMMANDS:
        found = _on_path(command, options.environ)
        if not found:
            yield Check(subject=command, state="note", text="no such command on PATH")
            continue
        first, *others = found
        ours = links_directory(project.directory) / BIN if project else None
        text = f"{first} ({_owner(first, options, ours)})"
        if others:
            text += "; shadows " + ", ".join(f"{each} ({_owner(each, options, ours)})" for each in others)
        if ours and first.parent != ours and any(each.parent == ours for each in others):
            hint = f"To put the project's interpreters first, move {ours} to the front of PATH."
            yield Check(subject=command, state="note", text=text, hint=hint)
        else:
            yield Check(subject=command, state="ok", text=text)
    if ours and is_directory(ours) and str(ours) not in options.environ.get("PATH", "").split(os.pathsep):
        hint = 'Run `eval "$(provision env)"`, or load the hook of the shell.'
        yield Check(subject="PATH", state="note", text=f"{ours} is not on PATH", hint=hint)
    active = options.environ.get("VIRTUAL_ENV")
    if active and not is_file(Path(active) / "pyvenv.cfg"):
        hint = "Run `deactivate`, or unset VIRTUAL_ENV."
        text = f"VIRTUAL_ENV names {active}, which is not a virtual environment"
        yield Check(subject="environment", state="problem", text=text, hint=hint)


def _on_path(command: str, environ: Mapping[str, str]) -> list[Path]:
    names = [f"{command}{suffix}" for suffix in (".exe", ".cmd", ".bat")] if os.name == "nt" else [command]
    folders = dict.fromkeys(environ.get("PATH", os.defpath).split(os.pathsep))
    paths = [Path(folder or ".").absolute() / name for folder in folders for name in names]
    return [path for path in paths if is_file(path) and os.access(path, os.X_OK)]


def _owner(path: Path, options: Options, ours: Path | None) -> str:
    """The origin of a command on PATH, as far as its path shows."""
    if path.parent == ours:
        return "this project"
    if path.parent.parts[-2:] == (".pythons", BIN):
        return "another project"
    if is_file(path.parent.parent / "pyvenv.cfg"):
        return "a virtual environment"
    real = os.path.realpath(path)
    homes = (options.home, *options.bases)
    if any(Path(real).is_relative_to(os.path.realpath(Store(home).trees)) for home in homes):
        return "the store"
    places = (path.as_posix(), Path(real).as_posix())
    for part, manager in _MANAGERS.items():
        if any(part in place for place in places):
            return manager
    return "the system" if real.startswith(("/usr/bin/", "/bin/")) else "unknown"


def _hook(environ: Mapping[str, str], project: Project | None) -> Iterator[Check]:
    active = environ.get("__PROVISION_ACTIVE")
    loaded = [name for name in _START_UP_FILES if _loads_hook(Path(environ.get("HOME", "")) / name)]
    if active:
        yield Check(subject="hook", state="ok", text=f"{active} is on PATH; the shell hook put it there")
    elif loaded:
        yield Check(subject="hook", state="ok", text=f"loaded by ~/{', ~/'.join(loaded)}; not active here")
    else:
        hint = "To have interpreters on PATH by directory, see `provision hook --help`."
        yield Check(subject="hook", state="note", text="no start-up file of a shell loads it", hint=hint)
    if project is not None:
        directory = os.path.realpath(project.directory)
        if is_trusted(environ, directory):
            yield Check(subject="trust", state="ok", text=f"{directory} is trusted")
        else:
            hint = "To let the hook of the shell use its interpreters, run `provision trust`."
            yield Check(subject="trust", state="note", text=f"{directory} is not trusted", hint=hint)


def _loads_hook(path: Path) -> bool:
    if not path.is_absolute():
        return False
    try:
        return b"provision hook" in (read_small_file_or_none(path, _LARGEST_START_UP_FILE) or b"")
    except OSError:
        return False


def _project_checks(options: Options, project: Project) -> Iterator[Check]:
    subject = "project"
    try:
        manifest = project.manifest()
        names = ", ".join(request.name for request in manifest.requests)
        yield Check(subject=subject, state="ok", text=f"{project.manifest_path}: {names or 'no entries'}")
        subject = "lock file"
        lock = project.lock()
        yield _lock_check(options, project, manifest, lock)
        if lock is None:
            return
        subject = "interpreters"
        if not exists(links_directory(project.directory) / BIN):
            if lock.lock.pythons:
                hint = "Run `provision sync`."
                yield Check(subject=subject, state="note", text="not installed yet", hint=hint)
            return
        directory = bin_directory(options)
    except ProvisionError as error:
        yield _failed(subject, error)
        return
    yield Check(subject=subject, state="ok", text=f"installed; commands are in {directory}")


def _lock_check(options: Options, project: Project, manifest: Manifest, lock: LoadedLock | None) -> Check:
    """Whether the lock has what the manifest requests; a problem only where `sync` may not write it."""
    stale = find_stale(manifest, lock.lock) if lock is not None else ()
    if lock is not None and not stale:
        count = plural(len(lock.lock.pythons), "entry", "entries")
        return Check(subject="lock file", state="ok", text=f"{project.lock_name}: {count}, up to date")
    state: State = "note" if may_relock(options.environ, locked=None) else "problem"
    if lock is None:
        hint = "Run `provision lock` to create it, and commit it."
        return Check(subject="lock file", state=state, text=f"{project.lock_name} does not exist", hint=hint)
    text = f"{project.lock_name} is out of date: {', '.join(entry.name for entry in stale)}"
    return Check(subject="lock file", state=state, text=text, hint="Run `provision lock`.")


def _proxies(environ: Mapping[str, str]) -> Iterator[Check]:
    from provision.errors import UsageError
    from provision.fetch.proxies import ProxyAddress

    for name in _PROXY_VARIABLES:
        for spelling in (name, name.upper()):
            value = environ.get(spelling)
            if not value:
                continue
            text = f"{spelling}={without_credentials(value)}"
            try:
                if name != "no_proxy":
                    ProxyAddress.parse(value if "://" in value else f"http://{value}")
            except UsageError as error:
                hint = "Expected http://host:port or socks5://host:port."
                yield Check(subject="proxy", state="problem", text=f"{text}: {error.message}", hint=hint)
            except (KeyError, ValueError):
                hint = "Expected http://host:port or socks5://host:port."
                yield Check(subject="proxy", state="problem", text=f"{text}: unknown scheme", hint=hint)
            else:
                yield Check(subject="proxy", state="ok", text=text)


def _variables(environ: Mapping[str, str]) -> Iterator[Check]:
    wrong = misspelled_variables(environ)
    for name in sorted(environ):
        if name in wrong:
            text = f"{name} is not a variable of provision"
            yield Check(subject="variable", state="note", text=text, hint=f"Did you mean {wrong[name]}?")
        elif name in KNOWN_VARIABLES or name == "CI":
            value = " ".join(map(without_credentials, environ[name].split()))
            yield Check(subject="variable", state="ok", text=f"{name}={value}")
        elif name in _SECRET_VARIABLES:
            yield Check(subject="variable", state="ok", text=f"{name} is set")
        elif name == "PYTHONHOME":
            hint = "Unset PYTHONHOME: interpreters other than the one that it was set for do not start."
            yield Check(subject="variable", state="problem", text=f"{name}={environ[name]}", hint=hint)
        elif name in _PYTHON_VARIABLES:
            yield Check(subject="variable", state="note", text=f"{name}={environ[name]}")


def _failed(subject: str, error: ProvisionError) -> Check:
    one = error.errors[0] if isinstance(error, SeveralErrors) else error
    hint = one.hint or (f"Correct {one.file}." if one.file else "")
    return Check(subject=subject, state="problem", text=" ".join(str(one).split()), hint=hint)
