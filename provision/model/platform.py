"""`Platform`: where an image runs, such as ``linux/arm64``; its targets.

Sources: the platform object of the OCI image specification 1.1; Go's names of architectures; the variants of x86-64 are
its levels.
"""

from __future__ import annotations

from provision.model.asset import CpuLevel
from provision.model.target import KNOWN_TARGETS, Target
from provision.model.value import frozen

# Our architecture, Go's, and the variant that goes with it.
_ARCHITECTURES = {
    "x86_64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "armv7": ("arm", "v7"),
    "i686": ("386", ""),
    "ppc64le": ("ppc64le", ""),
    "riscv64": ("riscv64", ""),
    "s390x": ("s390x", ""),
}
# What `uname -m` prints, as container tools read it.
_OTHER_NAMES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386", "i686": "386"}
# Variants that mean the same as no variant.
_PLAIN = {("amd64", "v1"), ("arm64", "v8")}
_LIBCS = ("gnu", "gnueabihf", "gnueabi", "musl")  # in order of preference
_LEVELS: dict[str, CpuLevel] = {"": "baseline", "v2": "v2", "v3": "v3", "v4": "v4"}


@frozen(kw_only=False, order=True)
class Platform:
    """A Linux platform of images: Go's name of an architecture, and a variant if there are several."""

    architecture: str
    variant: str = ""

    @classmethod
    def parse(cls, text: str) -> Platform:
        """Read ``linux/arm64`` or ``linux/amd64/v3``; raise `ValueError` on a platform that no target has."""
        system, _, rest = text.partition("/")
        named, _, variant = rest.partition("/")
        architecture = _OTHER_NAMES.get(named, named)
        found = cls(architecture, "" if (architecture, variant) in _PLAIN else variant)
        plain = Platform(architecture) if architecture == "amd64" and found.variant in _LEVELS else found
        if system != "linux" or plain not in PLATFORMS:
            raise ValueError(f"{text!r} is not a known platform")
        return found

    @classmethod
    def of(cls, target: Target) -> Platform:
        """The platform of a Linux target, without a level."""
        return cls(*_ARCHITECTURES[target.arch])

    @property
    def cpu(self) -> CpuLevel:
        """The x86-64 level that machines of this platform have."""
        return _LEVELS[self.variant] if self.architecture == "amd64" else "baseline"

    def targets(self) -> tuple[Target, ...]:
        """The targets that run on it, those for glibc first."""
        found = [target for target in KNOWN_TARGETS.values() if target.os == "linux"]
        own = Platform(self.architecture) if self.architecture == "amd64" else self
        return tuple(
            sorted((each for each in found if Platform.of(each) == own), key=lambda each: _LIBCS.index(each.libc))
        )

    def document(self) -> dict[str, str]:
        """The object in an index, and what a configuration says of it."""
        document = {"architecture": self.architecture, "os": "linux"}
        return {**document, "variant": self.variant} if self.variant else document

    def __str__(self) -> str:
        return "/".join(filter(None, ("linux", self.architecture, self.variant)))


# Those of all targets, without levels.
PLATFORMS = frozenset(Platform.of(target) for target in KNOWN_TARGETS.values() if target.os == "linux")
