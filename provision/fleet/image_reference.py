"""`ImageReference`: the name of an image in a registry."""

from __future__ import annotations

import re

from provision.model.asset import Digest
from provision.model.value import frozen
from provision.url import without_credentials

_DEFAULT_TAG = "latest"
is_tag = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}").fullmatch
# The registry, and the repository of official images there, that names without a registry stand for.
_DEFAULT_REGISTRY, _OFFICIAL = "docker.io", "library"


@frozen
class ImageReference:
    """``registry.example.com/team/image:1.0``: a repository, ``HOST[:PORT]/NAME``, and a tag or a digest in it."""

    repository: str
    tag: str = _DEFAULT_TAG
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str, *, needs_registry: bool = False) -> ImageReference:
        """Read ``[[USER:PASSWORD@]HOST[:PORT]/]NAME[:TAG][@sha256:HEX]``; raise `ValueError` on anything else.

        As in container tools, the first word is a host if it has a dot or a port, or is ``localhost``. A name without
        one is an image of Docker Hub, or refused with ``needs_registry``.
        """
        if "://" in text:
            raise ValueError(
                f"expected a name without {text.partition('://')[0]}://, got {without_credentials(text)!r}"
            )
        rest, at, hexadecimal = text.partition("@sha256:")
        digest = Digest.parse(hexadecimal) if at else None
        head, slash, last = rest.rpartition("/")
        name, colon, tag = last.partition(":")
        if not name or (colon and not is_tag(tag)):
            raise ValueError(f"{without_credentials(text)!r} is not the name of an image")
        host, _, path = f"{head}{slash}{name}".partition("/")
        if path and ("." in host or ":" in host or host == "localhost"):
            repository = f"{host}/{path}"
        elif needs_registry:
            raise ValueError(f"{without_credentials(text)!r} names no registry")
        else:
            repository = f"{_DEFAULT_REGISTRY}/{_OFFICIAL}/{host}" if not path else f"{_DEFAULT_REGISTRY}/{host}/{path}"
        return cls(repository=repository, tag=tag or _DEFAULT_TAG, digest=digest)

    def __str__(self) -> str:
        """The reference without a login; the tag is omitted if there is a digest."""
        name = self.repository.rpartition("@")[2]
        return f"{name}@sha256:{self.digest}" if self.digest else f"{name}:{self.tag}"
