"""Sources of an asset in order of preference: mirrors, its own URL, PBS's mirror.

Each kind of mirror has a module: this one is for files and web servers, `oci_mirror` for registries, `s3_mirror` for
buckets.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from provision.catalog.pbs import REPOSITORY, release_of
from provision.errors import PolicyError, UsageError
from provision.fetch.oci_mirror import OciBlob, OciMirror
from provision.fetch.s3_mirror import S3Mirror, S3Object
from provision.host_policy import HostRule
from provision.model.asset import Asset
from provision.model.oci import blob_path
from provision.model.value import frozen
from provision.url import Url, without_credentials

if TYPE_CHECKING:  # which assets are mirrored is known without the network
    from provision.fetch.context import NetworkContext

# Of PBS; GitHub redirects from the name of its former owner.
_REPOSITORIES = (REPOSITORY, "indygreg/python-build-standalone")
# PBS's own mirror of its releases.
_PBS_MIRROR = "https://releases.astral.sh/github/python-build-standalone/releases/download/"


def parse_mirror(text: str, rules: Iterable[HostRule] = ()) -> Mirror:
    """Read ``https://…``, ``http://…``, ``file://…``, ``oci://…`` or ``s3://…``; raise `UsageError` on anything else.

    ``rules`` are the hosts that the user allows, some with plain http.
    """
    scheme, separator, rest = text.partition("://")
    if separator and scheme.lower() == "oci":
        return OciMirror.parse(rest, rules)
    if separator and scheme.lower() == "s3":
        return S3Mirror.parse(rest)
    return WebMirror.parse(text)


def web_mirrors(texts: Iterable[str]) -> tuple[str, ...]:
    """Those of several mirrors that are directories or web servers, and may have catalogs as well."""
    return tuple(text for text in texts if isinstance(parse_mirror(text), WebMirror))


def _hint_on_directory(text: str) -> str:
    """For the path of a directory in the place of a URL; empty for what is none."""
    from pathlib import Path

    from provision.host.files import is_directory

    path = Path(text.removeprefix("file://"))
    if "://" in str(path) or not (path.is_absolute() or text.startswith(".") or is_directory(path)):
        return ""
    return f"Write the directory as {path.resolve().as_uri()}."


@frozen(kw_only=False)
class WebMirror:
    """A server or directory that has assets as ``<tag>/<asset name>`` or by digest; ``base`` ends in a slash."""

    base: Url

    @classmethod
    def parse(cls, text: str) -> WebMirror:
        """Read ``https://…``, ``http://…`` or ``file://…``; raise `UsageError` on anything else."""
        try:
            url = Url.parse(text if text.endswith("/") else f"{text}/")
        except ValueError as error:
            raise UsageError(
                f"invalid mirror {without_credentials(text)!r}: {error}",
                hint=_hint_on_directory(text)
                or "Write the mirror as https://HOST/PREFIX, file:///DIRECTORY, oci://REGISTRY/REPOSITORY or s3://BUCKET.",
            ) from error
        if url.query:
            raise UsageError(
                f"invalid mirror {str(url)!r}: expected a URL without a query, as tag and file name are appended"
            )
        return cls(url)

    @property
    def rule(self) -> HostRule | None:
        """The host; None for a directory."""
        if self.base.scheme == "file":
            return None
        return HostRule(host=self.base.host, port=self.base.port)

    def source(self, asset: Asset) -> Url:
        """Where the mirror has the asset: by release, or by digest if its URL has no release, as in a bundle."""
        # Rebuilt part by part: the credentials of the mirror stay with its origin.
        base = self.base
        return Url(
            scheme=base.scheme,
            host=base.host,
            port=base.port,
            path=f"{base.path}{release_path(asset) or blob_path(asset.sha256)}",
            userinfo=base.userinfo,
        )


# A place where a user has copies of archives, and a source of a download. The ``rule`` of a mirror allows the host that
# the user named, but not plain http; its ``source`` is where it has an asset, if it has it.
Mirror = WebMirror | OciMirror | S3Mirror
Source = Url | OciBlob | S3Object


def release_path(asset: Asset) -> str:
    """``<release tag>/<asset name>``, still encoded, for URLs in the layout of PBS's releases; empty for all others."""
    *_, tag, name = ("", *asset.url.partition("?")[0].split("/"))
    return f"{tag}/{name}" if asset.implementation == "cpython" and tag == asset.build else ""


def sources(asset: Asset, mirrors: tuple[Mirror, ...], *, offline: bool, upstream: bool = True) -> tuple[Source, ...]:
    """All sources to try: the user's mirrors, the asset's own URL, PBS's mirror; only files while offline.

    Without ``upstream``, only the mirrors. Raises `PolicyError` if the asset's own URL cannot be read.
    """
    try:
        own = Url.parse(asset.url)
    except ValueError as error:
        raise PolicyError(f"cannot download {asset.title} from its URL: {error}") from error
    found: list[Source] = [*(mirror.source(asset) for mirror in mirrors), *([own] if upstream else [])]
    release = release_of(asset.url) if upstream else None
    if release is not None and release.repository in _REPOSITORIES and release_path(asset):
        found.append(WebMirror.parse(_PBS_MIRROR).source(asset))
    usable = [source for source in found if not offline or is_local(source)]
    return tuple(dict.fromkeys(usable))


def request_url(source: Source, network: NetworkContext) -> Url:
    """The URL that is requested from a source."""
    match source:
        case OciBlob():
            return source.blob
        case S3Object():
            return source.signed("GET", network)
        case Url():
            return source


def address_of(mirror: Mirror, network: NetworkContext) -> Url:
    """The URL that checks whether a mirror responds: its directory, its list of tags, a key that need not exist."""
    match mirror:
        case WebMirror():
            return mirror.base
        case OciMirror():
            return mirror.repository.url("tags/list", "n=1")
        case S3Mirror():
            return S3Object(mirror.bucket, f"{mirror.prefix}/".lstrip("/") + "sha256").signed("GET", network)


def is_local(source: Source) -> bool:
    """Whether it is a file of this machine."""
    return isinstance(source, Url) and source.scheme == "file"
