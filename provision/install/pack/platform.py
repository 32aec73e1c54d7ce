"""Owns which target an interpreter was built for, read off its own headers; what this machine is, `host` knows."""

from __future__ import annotations

from provision.errors import UsageError
from provision.host import detect
from provision.model.target import Target
from provision.pack.interpreter import Interpreter

_LINUX_ARCHES = {
    (detect.EM_X86_64, 64): "x86_64",
    (detect.EM_386, 32): "i686",
    (detect.EM_AARCH64, 64): "aarch64",
    (detect.EM_PPC64, 64): "ppc64le",
    (detect.EM_S390, 64): "s390x",
    (detect.EM_RISCV, 64): "riscv64",
    (detect.EM_ARM, 32): "armv7",
}


def target_of(interpreter: Interpreter) -> Target:
    """The triple PBS would publish it under; `UsageError` where PBS has none."""
    if interpreter.platform == "darwin":
        # A universal build runs as what the machine is, and that is what was asked.
        triple = f"{'aarch64' if interpreter.machine == 'arm64' else interpreter.machine}-apple-darwin"
    else:
        triple = _linux_triple(interpreter)
    try:
        return Target.parse(triple)
    except ValueError:
        raise UsageError(f"{interpreter.executable} is for {triple}, a target that no asset name can say") from None


def _linux_triple(interpreter: Interpreter) -> str:
    file = detect.read_elf(interpreter.executable)
    if file is None:
        raise UsageError(f"{interpreter.executable} is no program of Linux or macOS")
    arch = _LINUX_ARCHES.get((file.machine, file.bits), f"machine-{file.machine}")
    libc = "musl" if "ld-musl" in file.interpreter else "gnu"
    if arch == "armv7" and libc == "gnu":
        libc = "gnueabihf" if file.flags & detect.EF_ARM_ABI_FLOAT_HARD else "gnueabi"
    return f"{arch}-unknown-linux-{libc}"
