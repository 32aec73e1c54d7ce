"""The whole job on this machine, without any network: pack, serve on loopback, lock, plan, sync, use, verify, repair.

Run it by `make demo`. It works in `.demo/`, which it makes anew, and leaves there what it made.
"""

from __future__ import annotations

import functools
import http.server
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / ".demo"
PROVISION = [sys.executable, "-I", "-m", "provision"]
# Builds in the layout of python-build-standalone, where the workplace has them; see PROVISION_TEST_INTERPRETERS.
READY_MADE = Path(os.environ.get("PROVISION_TEST_INTERPRETERS", ROOT.parent / "shared" / "interpreters"))


def main() -> int:
    if DEMO.exists():
        shutil.rmtree(DEMO)
    mirror, project = DEMO / "mirror", DEMO / "project"
    mirror.mkdir(parents=True)
    project.mkdir()
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PROVISION_", "CI"))}
    environ |= {"PROVISION_HOME": str(DEMO / "home"), "PROVISION_CACHE_DIR": str(DEMO / "cache")}
    run = functools.partial(shell, cwd=project, environ=environ)

    say("Archives of the Pythons at hand, in the layout of python-build-standalone")
    for prefix in (sys.base_prefix, *of_pyenv()):
        run("pack", str(prefix), "-o", str(mirror))
    with served(mirror) as address:
        names = write_project(project, mirror, address)
        say("What is wanted: pythons.toml")
        print((project / "pythons.toml").read_text())

        say("Resolve it: pythons.lock says exactly which bytes that is")
        run("lock")
        say("What would be done")
        run("plan")
        say("Do it: fetch, verify, unpack, relocate, probe, publish")
        run("sync")
        run("list")
        for name in names:
            run("run", name, "--", "python", "-c", "import sys; print(sys.version)")
        say("Again: there is nothing to do, which takes as long as starting Python")
        run("sync")

        say("Somebody loses a file of the standard library")
        tree = Path(run("which", names[0], "--store", quiet=True).strip()).parent.parent
        lost = next(tree.glob("lib/python*/argparse.py"))
        print(f"$ rm {lost.relative_to(DEMO)}")
        lost.unlink()
        run("verify", expect=5)
        run("verify", "--repair")
        say("Somebody removes a whole tree")
        print(f"$ rm -r {tree.relative_to(DEMO)}")
        shutil.rmtree(tree)
        run("sync")
        run("verify")
    say(f"All of it is in {DEMO.relative_to(ROOT)}/. Next: README.md, and `provision init` in a repository of yours.")
    return 0


def of_pyenv() -> list[Path]:
    """The newest of pyenv's Pythons beside the one that runs this, if there is one."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = {
        tuple(map(int, path.name.split("."))): path
        for path in versions.glob("3.*.*")
        if path.name.replace(".", "").isdecimal() and path != Path(sys.base_prefix)
    }
    return [found[max(found)]] if found and max(found) >= (3, 11) else []


def write_project(project: Path, mirror: Path, address: str) -> list[str]:
    """Offer the archives at hand in a catalog of our own, and ask for them in a manifest."""
    ours = platform.python_version()
    packed = [json.loads(line)["version"] for line in (mirror / "catalog.ndjson").read_text().splitlines()]
    lines = []
    for release in sorted(packed, key=lambda release: not release.startswith(f"{ours}+")):
        version, _, build = release.partition("+")
        name = "here" if version == ours else f"py{version.replace('.', '')}"
        lines.append(f'{name} = {{ version = "{version}", build = "{build}" }}')
    if READY_MADE.is_dir():
        for archive in sorted(READY_MADE.glob("cpython-*.tar.*")):
            shutil.copy(archive, mirror)
        row = ready_made_row()
        with (mirror / "catalog.ndjson").open("a") as catalog:
            catalog.write(json.dumps(row) + "\n")
        series = row["version"].partition("+")[0]
        lines += [f'default = "{series}"', f'free = "{series}t"', f'debug = "{series}d"']
    text = f'[settings]\ncatalogs = ["{address}/catalog.ndjson"]\n\n[pythons]\n' + "\n".join(lines) + "\n"
    (project / "pythons.toml").write_text(text)
    return [line.partition(" ")[0] for line in lines]


def ready_made_row() -> dict[str, Any]:
    """A row of catalog.ndjson for ready-made archives: the format in which upstream publishes its own list."""
    sums = (line.split() for line in (READY_MADE / "SHA256SUMS").read_text().splitlines())
    digests = {name.removeprefix("*"): digest for digest, name in sums}
    artifacts = []
    release = ""
    for name, digest in sorted(digests.items()):
        release, _, rest = name.removeprefix("cpython-").partition("-x86_64-unknown-linux-gnu-")
        variant, _, archive_format = rest.partition(".")
        artifacts.append(
            {
                "platform": "x86_64-unknown-linux-gnu",
                "variant": variant.replace("-", "+"),
                "url": name.replace("+", "%2B"),
                "archive_format": archive_format,
                "sha256": digest,
                "size": (READY_MADE / name).stat().st_size,
            }
        )
    build = release.partition("+")[2]
    date = f"{build[:4]}-{build[4:6]}-{build[6:]}T00:00:00Z"
    return {"version": release, "date": date, "artifacts": artifacts}


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """A web server on loopback for the time being; yields its address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(directory))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def shell(*words: str, cwd: Path, environ: dict[str, str], expect: int = 0, quiet: bool = False) -> str:
    """Run provision as a user would; stop the demo if it does not end as expected."""
    if not quiet:
        print("$ provision " + shlex.join(words))
    sys.stdout.flush()
    command = [*PROVISION, *words]
    to = subprocess.PIPE if quiet else None
    done = subprocess.run(
        command, cwd=cwd, env=environ, stdout=to, stderr=to or subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != expect:
        sys.exit(f"the demo expected exit code {expect} and got {done.returncode}")
    if expect:
        print(f"(exit code {expect})")
    if not quiet:
        print()
    return done.stdout or ""


def say(text: str) -> None:
    print(f"── {text}")


if __name__ == "__main__":
    sys.exit(main())
