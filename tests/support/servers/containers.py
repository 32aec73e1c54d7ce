"""Container tools of Debian: a base of its packages for any processor, and commands run in an image.

Nothing needs a daemon. `ServerUnavailableError`, with the reason, is raised if a tool or a package is not available; as
root, missing tools are installed through apt. Packages of a base are unpacked, not installed: none of their scripts
run.

By hand: ``python -m tests.support.servers.containers [--arch arm64] LAYOUT:NAME [COMMAND…]``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.support.servers.programs import UNAVAILABLE, ServerUnavailableError

# Debian's name of a processor, qemu's, and `platform.machine()` there.
_ARCHES = {"amd64": ("x86_64", "x86_64"), "arm64": ("aarch64", "aarch64")}
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_TIMEOUT = 600


def need(command: str, *packages: str) -> None:
    """Provide a command, or install the packages that contain it."""
    if shutil.which(command, path=f"{os.environ['PATH']}:/usr/sbin:/sbin"):
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise ServerUnavailableError(f"{command} is missing; on Debian: apt-get install {' '.join(packages)}")
    wait = ["-qq", "-o", "DPkg::Lock::Timeout=300"]
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "SYSTEMD_OFFLINE": "1"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(["apt-get", *wait, *words], env=environ, capture_output=True, check=False)
    if done.returncode != 0:
        raise ServerUnavailableError(f"apt cannot install {' '.join(packages)}: {done.stderr.decode().strip()[-200:]}")


def debian_root(directory: Path, arch: str, *packages: str, suite: str = "trixie") -> Path:
    """Packages of Debian for a processor, ``arm64``, and what they depend on, unpacked into a directory."""
    if shutil.which("apt-get") is None or not _KEYRING.exists():
        raise ServerUnavailableError("packages of Debian require apt and the keyring of Debian's archive")
    state, root = directory / "apt", directory / "root"
    for path in (state / "lists/partial", state / "cache/archives/partial", root):
        path.mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    archive = _output("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Label: Debian")
    if not archive:
        raise ServerUnavailableError("apt knows no archive of Debian")
    (state / "sources.list").write_text(f"deb [signed-by={_KEYRING}] {archive.splitlines()[0]} {suite} main\n")
    settings = {
        "APT::Architecture": arch,
        "APT::Architectures": arch,
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
        "Debug::NoLocking": "true",
        "Acquire::Languages": "none",
        "Dir::State": str(state),
        "Dir::State::status": str(state / "status"),
        "Dir::State::lists": str(state / "lists"),
        "Dir::Cache": str(state / "cache"),
        "Dir::Etc::sourcelist": str(state / "sources.list"),
        "Dir::Etc::sourceparts": "-",
    }
    options = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
    for words in (["update"], ["install", "-y", "--download-only", *packages]):
        done = subprocess.run(
            ["apt-get", "-qq", *options, *words], capture_output=True, check=False, timeout=_TIMEOUT, text=True
        )
        if done.returncode != 0:
            raise ServerUnavailableError(
                f"apt cannot download {' '.join(packages)} for {arch}: {done.stderr.strip()[-200:]}"
            )
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        if not (root / name).is_symlink():
            (root / name).symlink_to(f"usr/{name}")
    for package in sorted((state / "cache/archives").glob("*.deb")):
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as unpack:
            subprocess.run(["tar", "xf", "-", "--keep-directory-symlink", "-C", root], stdin=unpack.stdout, check=True)
    for name in ("proc", "dev", "tmp"):
        (root / name).mkdir(exist_ok=True)
    return root


def run_in_image(
    image: str, work: Path, *command: str, arch: str = "amd64", environ: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a command in ``LAYOUT:NAME``: skopeo chooses the platform, umoci unpacks, bubblewrap runs.

    A program for another processor runs under qemu's user emulation. There is no network inside.
    """
    need("skopeo", "skopeo")
    need("umoci", "umoci")
    need("bwrap", "bubblewrap")
    plain, bundle = work / "plain", work / "bundle"
    _check("skopeo", "--override-os", "linux", "--override-arch", arch, "copy", "-q", f"oci:{image}", f"oci:{plain}:it")
    _check("umoci", "unpack", *([] if os.geteuid() == 0 else ["--rootless"]), "--image", f"{plain}:it", str(bundle))
    process = json.loads((bundle / "config.json").read_text())["process"]
    variables = dict(each.partition("=")[::2] for each in (*process["env"], *environ))
    root = bundle / "rootfs"
    for name in ("proc", "dev", "tmp"):
        (root / name).mkdir(exist_ok=True)
    words = list(command or process["args"])
    if platform.machine() != _ARCHES[arch][1]:
        words = _emulated(root, words, variables["PATH"], _ARCHES[arch][0])
    sets = [word for name, value in variables.items() for word in ("--setenv", name, value)]
    own = ["--unshare-all", "--die-with-parent", "--clearenv", "--bind", str(root), "/", "--proc", "/proc"]
    # Not `--dev`: it would hide what the image has below /dev/shm, where the tests have their directories.
    own += [word for name in ("null", "urandom", "zero") for word in ("--dev-bind", f"/dev/{name}", f"/dev/{name}")]
    own += ["--chdir", process["cwd"]]
    return subprocess.run(
        ["bwrap", *own, *sets, "--", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT,
    )


def _emulated(root: Path, words: list[str], path: str, machine: str) -> list[str]:
    """The words that start a program under qemu, which looks nothing up in `PATH`."""
    need(f"qemu-{machine}-static", "qemu-user-static")
    shutil.copy(shutil.which(f"qemu-{machine}-static") or "", root / ".qemu")
    program = words[0]
    if "/" not in program:
        places = [f"{each}/{program}" for each in path.split(":")]
        program = next(each for each in places if os.path.lexists(f"{root}{each}"))
    return ["/.qemu", "-0", program, program, *words[1:]]


def _check(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=_TIMEOUT)
    assert done.returncode == 0, f"{words[0]}: {done.stderr}"


def _output(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()


def main() -> int:
    """Run a command in an image; returns its exit code."""
    parser = argparse.ArgumentParser(description="Run a command in an image of a layout.")
    parser.add_argument("--arch", default="amd64", choices=sorted(_ARCHES))
    parser.add_argument("image", metavar="LAYOUT:NAME")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        try:
            done = run_in_image(given.image, Path(work), *given.command, arch=given.arch)
        except ServerUnavailableError as error:
            print(f"skip: {error}", file=sys.stderr)  # noqa: T201  (the caller reads it)
            return UNAVAILABLE
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
