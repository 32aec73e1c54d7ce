"""The sources of an asset in order of preference: mirrors, its own URL, PBS's mirror.

Each kind of mirror has a module: files and web servers this one, registries `oci_mirror`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from provision.catalog.pbs import REPOSITORY, release_of
from provision.errors import PolicyError, UsageError
from provision.fetch.oci_mirror import OciBlob, OciMirror
from provision.host_policy import HostRule
from provision.model.asset import Asset
from provision.model.value import frozen
from provision.url import Url, without_credentials

# Of PBS; the hosting service redirects from that of its former owner.
_REPOSITORIES = (REPOSITORY, "indygreg/python-build-standalone")
# PBS's own mirror of its releases.
_PBS_MIRROR = "https://releases.astral.sh/github/python-build-standalone/releases/download/"


# What a download may come from; `Download` knows how.
Source = Url | OciBlob


class Mirror(Protocol):
    """Where a user has copies of archives."""

    @property
    def rule(self) -> HostRule | None:
        """Naming a mirror allows its host; it does not allow plain http there."""

    @property
    def address(self) -> Url:
        """What is asked to see whether the mirror answers."""

    def source(self, asset: Asset) -> Source | None:
        """Where the mirror has the asset, if it has; None for an asset that it cannot have."""


def parse_mirror(text: str, rules: Iterable[HostRule] = ()) -> Mirror:
    """Read ``https://…``, ``http://…``, ``file://…`` or ``oci://…``; raise `UsageError` on anything else.

    ``rules`` are the hosts that the user allows: some by plain http.
    """
    scheme, separator, rest = text.partition("://")
    if separator and scheme.lower() == "oci":
        return OciMirror.parse(rest, rules)
    return WebMirror.parse(text)


def web_mirrors(texts: Iterable[str]) -> tuple[str, ...]:
    """Those of several mirrors that are directories or web servers, and may have catalogs as well."""
    return tuple(text for text in texts if isinstance(parse_mirror(text), WebMirror))


@frozen(kw_only=False)
class WebMirror:
    """A server or directory that has PBS assets as ``<tag>/<asset name>``; ``base`` ends in a slash."""

    base: Url

    @classmethod
    def parse(cls, text: str) -> WebMirror:
        """Read ``https://…``, ``http://…`` or ``file://…``; raise `UsageError` on anything else."""
        try:
            url = Url.parse(text if text.endswith("/") else f"{text}/")
        except ValueError as error:
            raise UsageError(
                f"invalid mirror {without_credentials(text)!r}: {error}",
                hint="Write the mirror as https://HOST/PREFIX, file:///DIRECTORY or oci://REGISTRY/REPOSITORY.",
            ) from error
        if url.query:
            raise UsageError(
                f"invalid mirror {str(url)!r}: expected a URL without a query, as tag and file name are appended"
            )
        return cls(url)

    @property
    def rule(self) -> HostRule | None:
        """The host, none for a directory."""
        if self.base.scheme == "file":
            return None
        return HostRule(host=self.base.host, port=self.base.port)

    @property
    def address(self) -> Url:
        """The server's directory, or the local one."""
        return self.base

    def source(self, asset: Asset) -> Url | None:
        """Where the mirror has the asset, if that is PBS's: its URL ends in ``<build>/<name>``."""
        *_, tag, name = ("", *asset.url.partition("?")[0].split("/"))
        return self.url(tag, name) if asset.implementation == "cpython" and tag == asset.build else None

    def url(self, tag: str, name: str) -> Url:
        """Where this mirror has an archive of a tag. ``name`` is still encoded."""
        # Rebuilt part by part: the credentials of the mirror stay with its origin.
        base = self.base
        return Url(
            scheme=base.scheme,
            host=base.host,
            port=base.port,
            path=f"{base.path}{tag}/{name}",
            userinfo=base.userinfo,
        )


def sources(asset: Asset, mirrors: tuple[Mirror, ...], *, offline: bool) -> tuple[Source, ...]:
    """All sources to try: the user's mirrors, the asset's own URL, PBS's mirror; of them only files while offline.

    Raises `PolicyError` if the asset's own URL cannot be read.
    """
    try:
        own = Url.parse(asset.url)
    except ValueError as error:
        raise PolicyError(f"cannot download {asset.title} from its URL: {error}") from error
    found: list[Source | None] = [*(mirror.source(asset) for mirror in mirrors), own]
    release = release_of(asset.url)
    if release is not None and release.repository in _REPOSITORIES:
        found.append(WebMirror.parse(_PBS_MIRROR).source(asset))
    usable = [source for source in found if source and (not offline or _is_file(source))]
    return tuple(dict.fromkeys(usable))


def _is_file(source: Source) -> bool:
    return isinstance(source, Url) and source.scheme == "file"
