"""What an archive may take at most in bytes and members, and `ArchiveRefused`.

The modules that read archives keep to the limits and raise `ArchiveRefused`; `unpack` makes it an `IntegrityError` that
names the archive.
"""

from __future__ import annotations

from collections.abc import Mapping

from provision.host.variables import read_size
from provision.model.value import frozen

_MIB = 1 << 20
MAX_UNPACKED_VARIABLE = "PROVISION_MAX_UNPACKED"

# Small archives may unpack to this much whatever their ratio: tiny ones of a few repeated files have great ratios.
_MIN_BUDGET = 64 * _MIB

# Longer names are cut in messages: a name may have thousands of characters.
_LONGEST_SHOWN = 120


@frozen
class Limits:
    """The limits of one archive. ``unpacked`` and ``window`` are in bytes.

    ``members`` also bounds the files and directories of a tree: a member's name makes all directories above it.
    The defaults are about four times what the largest published archives need. Those are GraalPy's (1.2 GB unpacked)
    and PBS's `full` debug builds (about 1 GB, 20 000 members). PBS compresses `full` archives about tenfold and the
    others three- to fourfold.
    ``ratio`` limits the unpacked size by the archive's own; None leaves that to ``unpacked`` alone.
    ``window`` is how far back a zstd frame may refer. PBS uses ``zstd --ultra -22``, hence 128 MiB; zstd itself refuses
    more by default. Decompressing needs as much memory as the window is large.
    """

    unpacked: int = 4096 * _MIB
    members: int = 100_000
    ratio: int | None = 100
    window: int = 128 * _MIB

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Limits:
        """The defaults, or what PROVISION_MAX_UNPACKED allows (``6G``); raises `UsageError` if that is not a size."""
        unpacked = read_size(environ, MAX_UNPACKED_VARIABLE)
        return cls() if unpacked is None else cls(unpacked=unpacked, ratio=None)

    def budget(self, archive_size: int) -> int:
        """How many bytes an archive of this size may unpack to."""
        if self.ratio is None:
            return self.unpacked
        return min(self.unpacked, max(_MIN_BUDGET, self.ratio * archive_size))


class ArchiveRefused(ValueError):
    """An archive that is damaged, unsafe, or unlike the archive of any known interpreter.

    ``reason`` completes the sentence "member 'x' …", or "the archive …" where it is about no one ``member``; ``last``
    is then the last member that was read, once it is known.
    """

    def __init__(self, reason: str, member: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.member = reason, member
        self.last: str | None = None

    def __str__(self) -> str:
        if self.member is not None:
            return f"member {shown_name(self.member)} {self.reason}"
        where = f" (in or after member {shown_name(self.last)})" if self.last is not None else ""
        return f"the archive {self.reason}{where}"


class ArchiveTooLarge(ArchiveRefused):
    """An archive that unpacks to more bytes than `Limits` allow."""


def shown_name(name: str) -> str:
    """A member's name or target for messages: quoted, unprintable characters escaped, cut if it is very long.

    `text.quoted` cuts what people wrote at 64 characters; paths in sound archives are longer, and must be told apart.
    """
    return repr(name) if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]!r}…"
