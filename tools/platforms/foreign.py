"""A Debian root of another processor, with what the tests import, in which programs run by qemu's user mode.

    python -m tools.platforms.foreign ARCH             the demo, and the tests of foreign.toml
    python -m tools.platforms.foreign ARCH -- WORDS... one program, in /project
    python -m tools.platforms.foreign ARCH --prepare   nothing yet, but the root

ARCH is Debian's name: arm64, armhf, ppc64el, s390x, riscv64. Needs root, Debian, Linux 6.7 or newer, whose binfmt_misc
belongs to a user namespace, and the package index. On another system, it says so and exits with 0. What it makes is
kept in .platforms/ARCH: a minute and a half, 250 MB.

Packages are unpacked, not installed: no script of theirs runs. At /project is a copy of the project.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from tests.run import find
from tests.support.servers.containers import debian_root
from tests.support.servers.programs import ServerUnavailableError
from tools.platforms.packages import PIP
from tools.platforms.results import ROOT
from tools.platforms.selection import Selection
from tools.platforms.suite import (
    PLATFORMS,
    Unavailable,
    install,
    is_debian,
    is_prepared,
    pytest_words,
    test_requirements,
)

TESTS = Path(__file__).with_name("foreign.toml")
SERIES = "3.13"  # that of trixie
# By Debian's name of a processor: qemu's, and that of `platform.machine()`.
PROCESSORS = {
    "arm64": ("aarch64", "aarch64"),
    "armhf": ("arm", "armv7l"),
    "ppc64el": ("ppc64le", "ppc64le"),
    "s390x": ("s390x", "s390x"),
    "riscv64": ("riscv64", "riscv64"),
}
# musl is there to be recognised; the shell and coreutils for what programs run, ca-certificates for TLS.
_PACKAGES = (f"python{SERIES}", "libc-bin", "bash", "coreutils", "ca-certificates", "musl", "git")

# What runs in the namespaces; their end undoes it. F: qemu is opened now, and needs no place inside of the root.
_INSIDE = """\
set -e
mount --bind '{root}' '{root}'
mount -t proc proc '{root}/proc'
mount --rbind /dev '{root}/dev'
if [ -n '{qemu}' ]; then
    mount -t binfmt_misc none /proc/sys/fs/binfmt_misc 2>/dev/null ||
        mount --bind '{root}/proc/sys/fs/binfmt_misc' /proc/sys/fs/binfmt_misc
    printf '%s:/usr/bin/qemu-{qemu}-static:F' "$(cut -d: -f1-6 /usr/lib/binfmt.d/qemu-{qemu}.conf)" \\
        >/proc/sys/fs/binfmt_misc/register
fi
exec chroot '{root}' /usr/bin/env -i -C /project HOME=/root LANG=C.UTF-8 TERM=dumb CI=true PROVISION_NO_PROGRESS=1 \\
    PATH=/root/.local/bin:/usr/bin:/bin PLATFORM_TESTS="$PLATFORM_TESTS" "$@"
"""


class ForeignRoot:
    """The root of one processor."""

    def __init__(self, arch: str) -> None:
        self.arch = arch
        self.qemu, self.machine = PROCESSORS[arch]
        self.place = PLATFORMS / arch
        self.root = self.place / "root"

    @property
    def python(self) -> str:
        return f"python{SERIES}"

    def run(self, *words: str) -> int:
        """Run a program inside, with our standard streams; its exit code."""
        # unshare blocks signals while it waits, and all that runs inside ends with it.
        command = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child"]
        environ = {**os.environ, "PLATFORM_TESTS": f"/project/{TESTS.relative_to(ROOT)}"}
        return subprocess.run([*command, "bash", self.place / "inside", *words], env=environ, check=False).returncode

    def prepare(self) -> None:
        """Make what is missing; raises `Unavailable` and `SystemExit`."""
        wanted = test_requirements()
        state = hashlib.sha256(repr((wanted, Path(__file__).read_bytes())).encode()).hexdigest()
        ready = self.place / ".ready"
        if ready.exists() and ready.read_text() == state:
            return
        if os.geteuid() != 0 or not is_debian():
            raise Unavailable("a Debian root requires Debian, and the rights of root")
        install(f"qemu-{self.qemu}-static", "qemu-user-static")
        shutil.rmtree(self.place, ignore_errors=True)
        try:
            debian_root(self.place, self.arch, *_PACKAGES)
        except ServerUnavailableError as error:
            sys.exit(f"error: {error}")
        self._write_root()
        self._install_wheels(wanted)
        if self.run(self.python, "-c", "import ssl, ctypes, sqlite3"):
            sys.exit("error: this kernel does not register qemu in a user namespace, or refuses the namespace")
        self._compile(f"usr/lib/{self.python}", "opt/packages")
        ready.write_text(state)

    def _compile(self, *paths: str) -> None:
        """Make bytecode by an interpreter of this machine, if there is one of the series: emulated, it takes long."""
        native = find(SERIES)
        if native:
            command = [str(native), "-m", "compileall", "-q", "-j", "0", "-s", str(self.root)]
            subprocess.run(
                [*command, *(str(self.root / path) for path in paths)], stdout=subprocess.DEVNULL, check=False
            )

    def copy_project(self) -> None:
        """Put what git knows of the project at /project."""
        project = self.root / "project"
        shutil.rmtree(project)
        project.mkdir()
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
        for name in filter(None, listed.decode().split("\0")):
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, project / name, follow_symlinks=False)
        self._compile("project/provision", "project/tests")

    def _write_root(self) -> None:
        for name in ("proc", "dev", "tmp", "root", "project", "opt/packages", "etc"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        (self.root / "tmp").chmod(0o1777)
        for name, target in (("python3", self.python), ("sh", "bash")):
            (self.root / "usr" / "bin" / name).unlink(missing_ok=True)
            (self.root / "usr" / "bin" / name).symlink_to(target)
        # Not by PYTHONPATH, which `python -I` ignores.
        packages = self.root / "usr" / "local" / "lib" / self.python / "dist-packages"
        packages.mkdir(parents=True)
        (packages / "project.pth").write_text("/opt/packages\n/project\n")
        (self.root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/bash\n")
        (self.root / "etc" / "hosts").write_text("127.0.0.1 localhost\n")
        qemu = "" if platform.machine() == self.machine else self.qemu
        text = _INSIDE.format(root=self.root, qemu=qemu)
        (self.place / "inside").write_text(text)

    def _install_wheels(self, wanted: list[str]) -> None:
        tools = self.place / "tools"
        subprocess.run([sys.executable, "-m", "venv", tools], check=True)
        python = tools / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", PIP], check=True)
        tags = [f"manylinux2014_{self.machine}", *(f"manylinux_2_{minor}_{self.machine}" for minor in range(17, 42))]
        packages = str(self.root / "opt" / "packages")
        ours = [str(python), str(Path(__file__).with_name("packages.py")), "wheels", packages]
        done = subprocess.run([*ours, SERIES, "Linux", self.machine, ",".join(tags), *wanted], check=False)
        if done.returncode not in (0, 3):
            sys.exit(done.returncode)


def main(words: list[str]) -> int:
    if not words or words[0] not in PROCESSORS:
        sys.exit(__doc__)
    root = ForeignRoot(words[0])
    if not is_prepared(f"test-{words[0]}", root.prepare) or words[1:] == ["--prepare"]:
        return 0
    root.copy_project()
    if words[1:2] == ["--"]:
        return root.run(*words[2:])
    if root.run(root.python, "examples/demo.py"):
        return 1
    # Without pytest's own bytecode, which would be made under emulation.
    tests = words[1:] or Selection.load(TESTS).rooms
    return root.run(root.python, *pytest_words("report.xml", "--assert=plain", *tests))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
