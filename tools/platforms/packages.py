"""What pip knows of other platforms: wheels for them, and an sdist whose code is not run.

    python packages.py wheels DIRECTORY SERIES SYSTEM MACHINE TAGS REQUIREMENT...
    python packages.py sdist NAME VERSION SHA256 FILE

Runs on a pip of a known version, into which it reaches: pip's ``--platform`` picks wheels only, and evaluates markers
such as ``sys_platform == 'win32'`` for the machine that it runs on; and it runs an sdist to learn its metadata.
TAGS are the tags of wheels of the platform, separated by commas. What has no wheel there is named on stderr and left
out, with exit status 3; the others are installed.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

PIP = "pip==25.3"


def environment(series: str, system: str, machine: str) -> dict[str, str]:
    """The values of markers on that platform."""
    windows = system == "Windows"
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{series}.0",
        "os_name": "nt" if windows else "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": system,
        "platform_version": "",
        "python_full_version": f"{series}.0",
        "python_version": series,
        "sys_platform": "win32" if windows else "linux",
    }


def install(platform: dict[str, str], words: list[str]) -> int:
    """pip in this process, whose markers are those of the platform."""
    pip: Any = import_module("pip._internal.cli.main")
    markers: Any = import_module("pip._vendor.packaging.markers")
    markers.default_environment = platform.copy
    return int(pip.main(words))


def wheels(directory: str, series: str, system: str, machine: str, tags: str, *requirements: str) -> int:
    words = ["install", "-qq", "--target", directory, "--upgrade", "--only-binary=:all:", "--python-version", series]
    words += ["--implementation", "cp", "--abi", f"cp{series.replace('.', '')}", "--abi", "abi3", "--abi", "none"]
    words += [word for tag in tags.split(",") for word in ("--platform", tag)]

    def succeeds(*wanted: str) -> bool:
        command = [sys.executable, __file__, "pip", series, system, machine, *words, *wanted]
        return subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode == 0

    if succeeds(*requirements):
        return 0
    # Each by itself, so that the missing one is named and the others are installed.
    missing = [requirement for requirement in requirements if not succeeds(requirement)]
    print(f"no wheels for {machine} {series}: {', '.join(missing)}", file=sys.stderr)
    return 3 if missing else 0


def sdist(name: str, version: str, sha256: str, file: str) -> int:
    parser: Any = import_module("pip._internal.cli.main_parser")
    commands: Any = import_module("pip._internal.commands")
    words, rest = parser.parse_command(["download", "--no-deps", "--no-binary", ":all:", name])
    command = commands.create_command(words)
    options, _ = command.parse_args(rest)
    with command.main_context():
        session = command.get_default_session(options)
        finder = command._build_package_finder(options=options, session=session, ignore_requires_python=True)
        links = [found.link for found in finder.find_all_candidates(name) if str(found.version) == version]
        if not links:
            sys.exit(f"the package index has no {name} {version}")
        content = session.get(links[0].url_without_fragment, headers={"Accept-Encoding": "identity"}).content
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        sys.exit(f"{name} {version} has the sha256 {digest}, not {sha256}")
    Path(file).write_bytes(content)
    return 0


def main(words: list[str]) -> int:
    match words:
        case ["wheels", directory, series, system, machine, tags, *requirements]:
            return wheels(directory, series, system, machine, tags, *requirements)
        case ["sdist", name, version, sha256, file]:
            return sdist(name, version, sha256, file)
        case ["pip", series, system, machine, *rest]:
            return install(environment(series, system, machine), rest)
    sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
