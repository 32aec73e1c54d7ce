"""The tests as `make` runs them: the quick ones on the Python of .venv.

``--all`` runs them on every other supported Python at hand, too, each in an environment of its own in .venvs/, made
once; on those between the oldest and the newest, without `WHOLE`. ``--sdist`` runs those on the Python of .venv from an
unpacked sdist, with the wheel that was built of it. ``--soak`` runs the slow ones instead. Other words are handed to
pytest. Temporary files go to memory where there is room: the tests install many interpreters.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
SERIES = ("3.11", "3.12", "3.13", "3.14")
# Tests of whole commands, of trees and of the project's tools, which take longer than all others. What breaks them on
# one Python breaks them on a newer one, or breaks a test of the module at fault.
WHOLE = (
    "bytes", "concurrency", "crash", "e2e", "integrations", "relocate", "stateful", "tools", "trust", "workflows",
)  # fmt: skip
MEMORY, ROOM = Path("/dev/shm"), 6 << 30


def main() -> int:
    # A shell lets its background jobs ignore Ctrl-C, and their children inherit that; the tests send and await it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    given = [word for word in sys.argv[1:] if word not in ("--all", "--sdist", "--soak")]
    pytest_args = ["-n", "auto", "-m", "slow" if "--soak" in sys.argv else "not slow", *given]
    with TemporaryDirectory(prefix="provision-sdist-") as folder:
        Path(folder).chmod(0o755)  # some tests start programs as another user
        pythons = [from_sdist(Path(folder)) if "--sdist" in sys.argv else (Path(sys.executable), ROOT)]
        pythons += [(python, ROOT) for python in (others() if "--all" in sys.argv else ())]
        return run_tests(pythons, pytest_args)


def run_tests(pythons: list[tuple[Path, Path]], pytest_args: list[str]) -> int:
    """The tests on each interpreter, in its copy of the sources; not 0 if any run failed."""
    failed = 0
    for number, (python, sources) in enumerate(pythons):
        print(f"── {python.parent.parent.name}: {version(python)}", flush=True)
        # The tests start the program a thousand times, and containers often switch writing bytecode off.
        folders = [name for name in ("provision", "tests") if (sources / name).exists()]
        subprocess.run([python, "-m", "compileall", "-q", "-j", "0", *folders], cwd=sources, check=True)
        is_between = 0 < number < len(pythons) - 1
        left_out = [f"--ignore=tests/{room}" for room in WHOLE if is_between]
        command = [str(python), "-m", "pytest", *pytest_args, *left_out]
        failed |= subprocess.run(command, cwd=sources, env=environment_of_tests(), check=False).returncode
    return failed


def environment_of_tests() -> dict[str, str]:
    roomy = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM
    return {**({"TMPDIR": str(MEMORY)} if roomy else {}), **os.environ}


def from_sdist(folder: Path) -> tuple[Path, Path]:
    """In an empty folder: the Python of an environment with the wheel of the sdist, and the unpacked sdist."""
    sdist = build(ROOT, "sdist", folder)
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    sources = folder / sdist.name.removesuffix(".tar.gz")
    wheel = build(sources, "wheel", folder)
    python = folder / "sdist" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", folder / "sdist"], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", f"{wheel}[dev]"], check=True)
    # What is tested is the package that was installed: nothing can import it from here.
    shutil.rmtree(sources / "provision")
    return python, sources


def build(sources: Path, target: str, folder: Path) -> Path:
    """Build the `sdist` or the `wheel` of sources; its file."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)]
    subprocess.run(command, cwd=sources, stdout=subprocess.DEVNULL, check=True)
    (built,) = folder.glob({"sdist": "*.tar.gz", "wheel": "*.whl"}[target])
    return built


def others() -> list[Path]:
    """Environments for the other series, made where their interpreter is at hand and they do not exist yet."""
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = (environment(series) for series in SERIES if series != own)
    return [python for python in found if python]


def environment(series: str) -> Path | None:
    directory = ROOT / ".venvs" / series
    python = directory / "bin" / "python"
    ready = directory / ".ready"
    if ready.exists() and ready.stat().st_mtime >= (ROOT / "pyproject.toml").stat().st_mtime:
        return python
    interpreter = find(series)
    if interpreter is None:
        return None
    print(f"── making an environment for Python {series}", flush=True)
    subprocess.run([interpreter, "-m", "venv", "--clear", directory], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--editable", ".[dev]"], cwd=ROOT, check=True)
    ready.touch()
    return python


def find(series: str) -> Path | None:
    """An interpreter of a series: one of pyenv's, whose shims need not lead to it, one of a CI runner's, or on PATH."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    runner = Path(os.environ.get("RUNNER_TOOL_CACHE", ROOT / ".venvs")) / "Python"
    candidates = [
        *sorted(pyenv.glob(f"{series}.*/bin/python{series}"), reverse=True),
        *sorted(runner.glob(f"{series}.*/x64/bin/python{series}"), reverse=True),
        *(Path(part) / f"python{series}" for part in os.environ.get("PATH", "").split(os.pathsep)),
    ]
    for candidate in candidates:
        if candidate.exists() and version(candidate).startswith(series + "."):
            return candidate
    return None


def version(python: Path) -> str:
    """``3.12.1``, or nothing where it does not run: a shim may have nothing behind it, Debian's Python no venv."""
    code = "import sys, venv, ensurepip; print('.'.join(map(str, sys.version_info[:3])))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


if __name__ == "__main__":
    sys.exit(main())
