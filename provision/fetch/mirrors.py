"""The URLs of an asset in order of preference: mirrors, its own, PBS's mirror."""

from __future__ import annotations

from provision.catalog.pbs import REPOSITORY, release_of
from provision.errors import PolicyError, UsageError
from provision.host_policy import HostRule
from provision.model.asset import Asset
from provision.model.value import frozen
from provision.url import Url, without_credentials

# Of PBS; the hosting service redirects from that of its former owner.
_REPOSITORIES = (REPOSITORY, "indygreg/python-build-standalone")
# PBS's own mirror of its releases.
_PBS_MIRROR = "https://releases.astral.sh/github/python-build-standalone/releases/download/"


@frozen(kw_only=False)
class Mirror:
    """A server or directory that has PBS assets as ``<tag>/<asset name>``; ``base`` ends in a slash."""

    base: Url

    @classmethod
    def parse(cls, text: str) -> Mirror:
        """Read ``https://…``, ``http://…`` or ``file://…``; raise `UsageError` on anything else."""
        try:
            url = Url.parse(text if text.endswith("/") else f"{text}/")
        except ValueError as error:
            raise UsageError(
                f"invalid mirror {without_credentials(text)!r}: {error}",
                hint="Write the mirror as https://HOST/PREFIX or file:///DIRECTORY.",
            ) from error
        if url.query:
            raise UsageError(
                f"invalid mirror {str(url)!r}: expected a URL without a query, as tag and file name are appended"
            )
        return cls(url)

    @property
    def rule(self) -> HostRule | None:
        """Naming a mirror allows its host; it does not allow plain http there."""
        if self.base.scheme == "file":
            return None
        return HostRule(host=self.base.host, port=self.base.port)

    def url(self, tag: str, name: str) -> Url:
        """Where this mirror has the asset. ``name`` is still encoded."""
        # Rebuilt part by part: the credentials of the mirror stay with its origin.
        base = self.base
        return Url(
            scheme=base.scheme,
            host=base.host,
            port=base.port,
            path=f"{base.path}{tag}/{name}",
            userinfo=base.userinfo,
        )


def sources(asset: Asset, mirrors: tuple[Mirror, ...], *, offline: bool) -> tuple[Url, ...]:
    """All URLs to try: the user's mirrors, the asset's own URL, PBS's mirror; of them only files while offline.

    Mirrors have PBS assets only: those whose URL ends in ``<build>/<name>``. Raises `PolicyError` if the asset's
    own URL cannot be read.
    """
    try:
        own = Url.parse(asset.url)
    except ValueError as error:
        raise PolicyError(f"cannot download {asset.title} from its URL: {error}") from error
    urls = [own]
    if asset.implementation == "cpython" and own.segments[-2:-1] == (asset.build,):
        tag, name = own.segments[-2:]
        urls = [*(mirror.url(tag, name) for mirror in mirrors), own]
        release = release_of(asset.url)
        if release is not None and release.repository in _REPOSITORIES:
            urls.append(Mirror.parse(_PBS_MIRROR).url(tag, name))
    local = [url for url in urls if url.scheme == "file"]
    return tuple(dict.fromkeys(local if offline else urls))
