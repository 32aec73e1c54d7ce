"""The URLs of an asset in order of preference: mirrors, its own, PBS's mirror."""

from __future__ import annotations

from provision.errors import PolicyError, UsageError
from provision.host_policy import HostRule
from provision.model.asset import Asset
from provision.model.value import frozen
from provision.url import Url

_RELEASES = "/astral-sh/python-build-standalone/releases/download/"
# Under its former owner; the hosting service redirects from there.
_FORMER_RELEASES = "/indygreg/python-build-standalone/releases/download/"
# PBS's own mirror of its releases.
_PBS_MIRROR = f"https://releases.astral.sh/github{_RELEASES.removeprefix('/astral-sh')}"


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
                f"{text!r} cannot be a mirror: {error}",
                hint="a mirror is given as https://host/prefix or file:///directory",
            ) from error
        if url.query:
            raise UsageError(f"{str(url)!r} cannot be a mirror: the tag and the name of an asset must go last")
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
        raise PolicyError(f"the URL of {asset.title} cannot be fetched: {error}") from error
    urls = [own]
    if asset.implementation == "cpython" and own.segments[-2:-1] == (asset.build,):
        tag, name = own.segments[-2:]
        urls = [*(mirror.url(tag, name) for mirror in mirrors), own]
        if own.host == "github.com" and own.path.startswith((_RELEASES, _FORMER_RELEASES)):
            urls.append(Mirror.parse(_PBS_MIRROR).url(tag, name))
    local = [url for url in urls if url.scheme == "file"]
    return tuple(dict.fromkeys(local if offline else urls))
