"""Other machines to run provision on: a process whose detection sees another system, and what it could install."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

from provision.host.cpu import Kernel
from provision.lock.lock import Lock
from provision.lock.read import parse_lock
from provision.model.asset import Asset
from provision.store.layout import executable, interpreter_names
from tests.host.systems import System, elf_file
from tests.support.project import Ended, Project
from tests.support.trees import write_archive

# Kernel, and the loader of the system's programs.
HOSTS: Mapping[str, tuple[Kernel, str]] = {
    "linux-x86_64": (Kernel("Linux", "x86_64"), "/lib64/ld-linux-x86-64.so.2"),
    "linux-x86_64-musl": (Kernel("Linux", "x86_64"), "/lib/ld-musl-x86_64.so.1"),
    "macos-aarch64": (Kernel("Darwin", "arm64", "25.1.0"), ""),
    "windows-x86_64": (Kernel("Windows", "AMD64", "10.0.22631"), ""),
}

_CPUINFO = Path(__file__).parents[1] / "host" / "cpuinfo" / "haswell.txt"  # level v3

# What `provision` does, on a machine with this kernel and these files.
_RUN = """
import sys
from pathlib import Path
from provision.host import cpu, detect
root, kernel = Path({root!r}), cpu.Kernel(*{kernel!r})
for asks in (detect.detect_host, detect.find_host):
    asks.__defaults__, asks.__kwdefaults__["kernel"] = (root,), kernel
cpu.cpu_level.__defaults__, cpu.cpu_level.__kwdefaults__["kernel"] = (root,), kernel
sys.argv = ["provision", *{words!r}]
from provision.cli.entry import main
main()
"""

# Answers the probe, wherever in its tree it is.
_INTERPRETER = """#!/bin/sh
here=$(cd "$(dirname "$(readlink -f "$0")")/{up}" && pwd -P)
printf 'implementation={implementation}\\nversion={version}\\n'
printf 'Py_GIL_DISABLED={freethreaded}\\nPy_DEBUG={debug}\\nprefix=%s\\n' "$here"
"""


def command_on(host: str, project: Project, *words: str) -> list[str]:
    """The command line of a process that is provision on that machine."""
    kernel, loader = HOSTS[host]
    root = project.directory.parent / f"root of {host}"
    if loader and not root.exists():
        system = System(root).file("/bin/sh", elf_file(interpreter=loader))
        system.file("/proc/cpuinfo", _CPUINFO.read_bytes())
    code = _RUN.format(root=str(root), kernel=tuple(kernel), words=words)
    return [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{code}"]


def run_on(host: str, project: Project, *words: str, expect: int = 0, **environ: str) -> Ended:
    """Run a command as on that machine; fail unless it ends with the code expected."""
    done = subprocess.run(
        command_on(host, project, *words),
        cwd=project.directory,
        env=project.environ(environ),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == expect, f"exit code {done.returncode} on {host}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
    return Ended(done.returncode, done.stdout, done.stderr)


def stand_in(asset: Asset, folder: Path) -> Path:
    """An archive under the asset's name and in its layout, with an interpreter that runs and says it is that one."""
    program = executable(Path(), asset).as_posix()
    says = _INTERPRETER.format(
        up="../" * program.count("/"),
        implementation=asset.implementation,
        version=asset.version,
        freethreaded=int(asset.options.freethreaded),
        debug=int(asset.options.debug),
    )
    windows = asset.target.os == "windows"
    library = "Lib" if windows else f"lib/python{asset.version.series}"
    names = [program] if windows else [str(Path(program).with_name(name)) for name in interpreter_names(asset)]
    files = {**dict.fromkeys(names, says), f"{library}/os.py": f"# {asset.target} {asset.cpu}\n", "LICENSE": "MIT\n"}
    top = "python/install" if asset.flavor == "full" else "python"
    return write_archive(folder / unquote(asset.filename), top, files)


def serve_stand_ins(lock: Path, folder: Path, url: str) -> Lock:
    """Change a lock so that its assets are small replacements below ``folder``, served at ``url``; return it."""
    text = lock.read_text()
    parsed = parse_lock(text, lock.name).lock
    for asset in {asset.sha256: asset for python in parsed.pythons for asset in python.assets}.values():
        archive = stand_in(asset, folder / str(asset.sha256))
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        name = asset.url.rpartition("/")[2]
        text = text.replace(asset.url, f"{url}/{asset.sha256}/{name}").replace(
            str(asset.sha256) + '"\n', digest + '"\n'
        )
    lock.write_text(re.sub(r"^size = .*\n", "", text, flags=re.MULTILINE))
    return parsed
