"""The limits for an archive, in bytes and members, and `ArchiveRefused`.

The modules that read archives enforce the limits and raise `ArchiveRefused`; `unpack` turns it into an `IntegrityError`
that names the archive.
"""

from __future__ import annotations

from collections.abc import Mapping

from provision.host.variables import read_size
from provision.model.value import frozen

_MIB = 1 << 20
MAX_UNPACKED_VARIABLE = "PROVISION_MAX_UNPACKED"

# Small archives may unpack to this many bytes at any ratio: tiny ones with a few repeated files have high ratios.
_MIN_BUDGET = 64 * _MIB

# Longer names are shortened in messages: a name may have thousands of characters.
_LONGEST_SHOWN = 120


@frozen
class Limits:
    """The limits of one archive. ``unpacked`` and ``window`` are in bytes.

    ``members`` also limits the files and directories of a tree, because one member can add all directories of its path.
    The defaults are about four times what the largest published archives need. Those are GraalPy's (1.2 GB unpacked)
    and PBS's `full` debug builds (about 1 GB, 20 000 members). PBS compresses `full` archives about tenfold and the
    others three- to fourfold.
    ``ratio`` is the most that the unpacked size may be, as a multiple of the archive's size; None means no such limit.
    ``window`` is how far back a zstd frame may refer, and the memory that decompressing needs. PBS uses
    ``zstd --ultra -22``, hence 128 MiB; zstd itself refuses more by default.
    """

    unpacked: int = 4096 * _MIB
    members: int = 100_000
    ratio: int | None = 100
    window: int = 128 * _MIB

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Limits:
        """The limits with PROVISION_MAX_UNPACKED (``6G``) applied; raises `UsageError` if its value is not a size."""
        unpacked = read_size(environ, MAX_UNPACKED_VARIABLE)
        return cls() if unpacked is None else cls(unpacked=unpacked, ratio=None)

    def budget(self, archive_size: int) -> int:
        """How many bytes an archive of this size may unpack to."""
        if self.ratio is None:
            return self.unpacked
        return min(self.unpacked, max(_MIN_BUDGET, self.ratio * archive_size))


class ArchiveRefused(ValueError):
    """An archive that is damaged, unsafe, or unlike the archive of any known interpreter.

    ``reason`` completes the sentence "member 'x' …", or "the archive …" if there is no ``member``. In that case,
    ``last`` is the last member that was read; `unpack` sets it.
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
    """A member's name or target for messages: quoted, unprintable characters escaped, shortened if it is very long.

    `text.quoted` shortens to 64 characters; paths in valid archives are longer, and messages must distinguish them.
    """
    return repr(name) if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]!r}…"
