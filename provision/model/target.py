"""`Target`, a target triple with its short forms, and `Host`."""

from __future__ import annotations

from provision.model.value import frozen

# FOLD provision.model.target
#   Owns `Target`, a target triple as PBS writes it, with its short forms; which one this machine is, `host` knows.


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

# What people also call them.
_ARCH_ALIASES = {
    "amd64": "x86_64",
    "x64": "x86_64",
    "arm64": "aarch64",
    "x86": "i686",
    "i386": "i686",
    "powerpc64le": "ppc64le",
}
_OS_ALIASES = {"darwin": "macos", "osx": "macos", "win": "windows", "win32": "windows"}


@frozen(kw_only=False, order=True)
class Target:
    """``x86_64-unknown-linux-gnu``: an architecture and a system. The x86-64 level is kept apart, as ``cpu``."""

    arch: str
    system: str

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read a triple or a short form such as ``linux-x86_64-musl``; raise `ValueError` on unknown ones."""
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
        """``gnu``, ``musl``, ``gnueabi``, ``gnueabihf``; empty off Linux."""
        return _SYSTEMS[self.system][1]

    @property
    def short(self) -> str:
        """``linux-x86_64-musl``: the form for people."""
        os, _, suffix = _SYSTEMS[self.system]
        return f"{os}-{self.arch}{suffix}"

    def with_cpu(self, cpu: str) -> str:
        """The triple as asset names write it: ``x86_64_v3-unknown-linux-gnu`` for level ``v3``."""
        level = "" if cpu == "baseline" else f"_{cpu}"
        return f"{self.arch}{level}-{self.system}"

    def label(self, cpu: str) -> str:
        """The short form with the level behind it, for people: ``linux-x86_64 v3``; the baseline is left out."""
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
    # armv7 is always gnueabi(hf); people leave the float ABI out and mean hard float.
    "linux-armv7": KNOWN_TARGETS["armv7-unknown-linux-gnueabihf"],
}


def target_spellings() -> tuple[str, ...]:
    """Every text that `Target.parse` reads, sorted; for what describes the grammar to others."""
    words = {target.arch: target.arch for target in KNOWN_TARGETS.values()} | _ARCH_ALIASES
    found = set(KNOWN_TARGETS)
    for short in _SHORT:
        os, _, rest = short.partition("-")
        arch, dash, libc = rest.partition("-")
        for system in (os, *(alias for alias, meant in _OS_ALIASES.items() if meant == os)):
            found |= {f"{system}-{word}{dash}{libc}" for word, meant in words.items() if meant == arch}
    return tuple(sorted(found))


# FOLD provision.model.target
#   Owns `Host`, what this machine can run; `host.detect` finds it out.


@frozen
class Host:
    """A machine's targets, the native one first.

    ``emulated`` are targets that are not the machine's own but run here all the same, best first: through translation
    (Rosetta, Windows on ARM), or as 32-bit programs on 64-bit Windows.
    ``glibc`` is (major, minor), and None off glibc or where its library cannot be found; ``macos`` likewise, off macOS.
    The x86-64 level is not here, as only few requests ask for it: `host.cpu.level` knows it.
    """

    target: Target
    emulated: tuple[Target, ...] = ()
    glibc: tuple[int, int] | None = None
    macos: tuple[int, int] | None = None
