"""`Target`, a target triple with its short forms; `Host`, a machine's targets.

`host.detect` detects them.
"""

from __future__ import annotations

from provision.model.value import frozen

_GNU, _MUSL, _MAC, _WIN = "unknown-linux-gnu", "unknown-linux-musl", "apple-darwin", "pc-windows-msvc"

_SYSTEMS = {
    # vendor-os-abi: (os, libc, suffix of the short form)
    _GNU: ("linux", "gnu", ""),
    _MUSL: ("linux", "musl", "-musl"),
    f"{_GNU}eabi": ("linux", "gnueabi", "-gnueabi"),
    f"{_GNU}eabihf": ("linux", "gnueabihf", "-gnueabihf"),
    _MAC: ("macos", "", ""),
    _WIN: ("windows", "", ""),
}

_ARCHES = {
    _GNU: ("x86_64", "aarch64", "i686", "ppc64le", "riscv64", "s390x"),
    _MUSL: ("x86_64", "aarch64", "i686"),
    f"{_GNU}eabi": ("armv7",),
    f"{_GNU}eabihf": ("armv7",),
    _MAC: ("x86_64", "aarch64"),
    _WIN: ("x86_64", "aarch64", "i686"),
}

# Other names in common use.
_ARCH_ALIASES = {
    "amd64": "x86_64",
    "x64": "x86_64",
    "arm64": "aarch64",
    "x86": "i686",
    "i386": "i686",
    "powerpc64le": "ppc64le",
    "riscv64gc": "riscv64",
}
_OS_ALIASES = {"darwin": "macos", "osx": "macos", "win": "windows", "win32": "windows"}


@frozen(kw_only=False, order=True)
class Target:
    """``x86_64-unknown-linux-gnu``: an architecture and a system, without the x86-64 level."""

    arch: str
    system: str

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read a triple or a short form such as ``linux-x86_64-musl``; raise `ValueError` on anything else."""
        target = KNOWN_TARGETS.get(text) or _SHORT.get(_unalias(text))
        if target is None:
            raise ValueError(f"{text!r} is not a known target")
        return target

    @property
    def os(self) -> str:
        """``linux``, ``macos`` or ``windows``."""
        return _SYSTEMS[self.system][0]

    @property
    def libc(self) -> str:
        """``gnu``, ``musl``, ``gnueabi``, ``gnueabihf``; empty for other systems than Linux."""
        return _SYSTEMS[self.system][1]

    @property
    def short(self) -> str:
        """``linux-x86_64-musl``: the form for people."""
        os, _, suffix = _SYSTEMS[self.system]
        return f"{os}-{self.arch}{suffix}"

    def with_cpu(self, cpu: str) -> str:
        """The triple as asset names spell it: ``x86_64_v3-unknown-linux-gnu`` for level ``v3``."""
        level = "" if cpu == "baseline" else f"_{cpu}"
        return f"{self.arch}{level}-{self.system}"

    def label(self, cpu: str) -> str:
        """The short form with the CPU level, for people: ``linux-x86_64 v3``; ``linux-x86_64`` for the baseline."""
        return self.short if cpu == "baseline" else f"{self.short} {cpu}"

    def __str__(self) -> str:
        return f"{self.arch}-{self.system}"


def _unalias(text: str) -> str:
    os, _, rest = text.partition("-")
    arch, dash, libc = rest.partition("-")
    return f"{_OS_ALIASES.get(os, os)}-{_ARCH_ALIASES.get(arch, arch)}{dash}{libc}"


# Every triple PBS has ever published under, by its text.
KNOWN_TARGETS = {
    str(target): target for system, arches in _ARCHES.items() for target in (Target(arch, system) for arch in arches)
}
_SHORT = {target.short: target for target in KNOWN_TARGETS.values()} | {
    # Without a float ABI, people mean hard float.
    "linux-armv7": KNOWN_TARGETS["armv7-unknown-linux-gnueabihf"],
}


def target_spellings() -> tuple[str, ...]:
    """Every text that `Target.parse` reads, sorted; for the JSON schema."""
    arches = {target.arch: target.arch for target in KNOWN_TARGETS.values()} | _ARCH_ALIASES
    found = set(KNOWN_TARGETS)
    for short in _SHORT:
        os, _, rest = short.partition("-")
        arch, dash, libc = rest.partition("-")
        for system in (os, *(alias for alias, name in _OS_ALIASES.items() if name == os)):
            found |= {f"{system}-{alias}{dash}{libc}" for alias, name in arches.items() if name == arch}
    return tuple(sorted(found))


@frozen
class Host:
    """A machine's native ``target`` and the versions of its system.

    ``emulated`` are other targets that run on it, best first: translated (Rosetta, Windows on ARM), or as 32-bit
    programs on 64-bit Windows. ``glibc`` is (major, minor), and None on a system without glibc or if its version cannot
    be determined; the same goes for ``macos``. ``absent_loader`` is the path of the dynamic loader that builds for
    ``target`` name, if the system does not have it: programs of NixOS name another. The x86-64 level is not here,
    because few requests need it: `host.cpu.cpu_level`.
    """

    target: Target
    emulated: tuple[Target, ...] = ()
    glibc: tuple[int, int] | None = None
    macos: tuple[int, int] | None = None
    absent_loader: str = ""
