"""Limits, environment variables and user configuration of downloads."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from provision.errors import Place, UsageError, did_you_mean, reason_of
from provision.host.files import read_small_file_or_none
from provision.host.paths import config_home
from provision.host.variables import read_connections, read_number
from provision.host_policy import HostRule
from provision.model.value import frozen
from provision.text import quoted

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

_CONFIG_NAME = "config.toml"
_CONFIG_KEYS = ("allow-hosts", "catalog-urls")
_CONFIG_MAX_SIZE = MIB


@frozen
class DownloadSettings:
    """Times in seconds, sizes in bytes."""

    connect_timeout: float = 10.0  # to resolve the host, connect and negotiate TLS
    idle_timeout: float = 30.0  # without a byte
    total_timeout: float = 3600.0  # for one asset, with all attempts and mirrors
    retry_timeout: float = 300.0  # without progress, over all attempts and sources
    waits_for_network: bool = False  # whether that also holds while this machine has no network
    attempts: int = 4  # in a row without progress, before the next source is tried
    backoff: float = 1.0  # the longest pause before the second attempt; doubles
    max_pause: float = 60.0  # the longest pause, unless the server asks for a longer one with Retry-After
    connections: int = 6  # for one asset, as browsers use for one host
    mirror_connections: int = 1  # for one asset: all machines of a site may use one mirror at the same time
    parallel_min_size: int = 8 * MIB  # the minimum that must be left of an asset for more than one connection
    parallel_after_seconds: float = 0.05  # a download that ends within this time needs no further connections
    parallel_below_rate: float = 100e6  # bytes a second above which additional connections cost more than they save
    largest_archive: int = 2 * GIB  # where the lock does not know the size
    largest_body: int = 256 * MIB  # of what is not an archive

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> DownloadSettings:
        """The defaults, except ``PROVISION_TIMEOUT`` (idle), ``_DEADLINE`` (total, and until when to retry),
        ``_CONNECTIONS`` (to mirrors and others) and ``_MAX_ARCHIVE`` (in MiB).

        Raises `UsageError` for a variable that is not a positive number.
        """
        default = cls()
        idle = read_number(environ, "PROVISION_TIMEOUT") or default.idle_timeout
        deadline = read_number(environ, "PROVISION_DEADLINE")
        connections = read_connections(environ)
        largest = read_number(environ, "PROVISION_MAX_ARCHIVE", unit="MiB")
        return cls(
            idle_timeout=idle,
            connect_timeout=min(default.connect_timeout, idle),
            total_timeout=deadline or default.total_timeout,
            retry_timeout=deadline or default.retry_timeout,
            waits_for_network=deadline is not None,
            connections=connections or default.connections,
            mirror_connections=connections or default.mirror_connections,
            largest_archive=default.largest_archive if largest is None else int(largest * MIB),
        )


def configured_hosts(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The ``allow-hosts`` of the user's configuration; raises `UsageError` if that is broken."""
    return _configured_texts(environ, "allow-hosts", 'hosts, such as ["mirror.example.com"]', HostRule.parse)


def configured_catalog_urls(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The ``catalog-urls`` of the user's configuration; raises `UsageError` if that is broken."""
    return _configured_texts(environ, "catalog-urls", 'URLs, such as ["https://mirror.example.com/builds.ndjson"]')


def _configured_texts(
    environ: Mapping[str, str], key: str, expected: str, check: Callable[[str], object] = str
) -> tuple[str, ...]:
    """A list of the user's own ``config.toml``, which no repository can change; empty without the file.

    Without ``PROVISION_CONFIG_DIR``, a file that cannot be read counts as missing, and so does that of a user without a
    home: jobs run as users whose home belongs to someone else. Raises `UsageError` if the file is broken.
    """
    named = environ.get("PROVISION_CONFIG_DIR")
    try:
        path = config_home(environ) / _CONFIG_NAME
        content = read_small_file_or_none(path, _CONFIG_MAX_SIZE)
    except UsageError:
        if named:
            raise
        return ()
    except OSError as error:
        if not named:
            return ()
        hint = "Set PROVISION_CONFIG_DIR to the directory of the file, or unset it."
        raise UsageError(f"cannot be read: {reason_of(error)}", place=Place(str(path)), hint=hint) from error
    if content is None:
        return ()
    import tomllib

    try:
        document = tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"not valid TOML: {reason_of(error)}", place=Place(str(path))) from error
    for name in set(document).difference(_CONFIG_KEYS):  # a later release may have more keys, which are ignored
        if near := did_you_mean(name, _CONFIG_KEYS, after="; "):
            raise UsageError(f"{quoted(name)} is not a key of this file{near}", place=Place(str(path)))
    texts = document.get(key, [])
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise UsageError(f"expected a list of {expected}", place=Place(str(path), key=key))
    for text in texts:
        try:
            check(text)
        except UsageError as error:
            raise UsageError(error.message, place=Place(str(path), key=key), hint=error.hint) from None
    return tuple(texts)
