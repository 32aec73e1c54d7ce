"""The digest of a request, by which a lock knows what it answers."""

from __future__ import annotations

from provision.manifest.manifest import Request
from provision.model.asset import FLAVORS, Digest
from provision.model.sha256 import sha256_hex

Json = str | int | list[str] | dict[str, str]


def request_digest(request: Request) -> Digest:
    """The sha256 of `canonical_request`: the same for every spelling of a request, on any machine, in any release."""
    return Digest(sha256_hex(canonical_request(request).encode()))


def canonical_request(request: Request) -> str:
    """All of a request that can change what is locked or installed, as JSON: sorted keys, ASCII, no blanks.

    ``implementation``, ``version`` and ``targets`` (sorted triples, or ``"host"``) are always there. Everything else
    is only where it differs from its default, so that a key that a later release adds leaves older digests as they
    are. Not in it: the entry's name and place, and the settings' catalogs, which tell where to look and not for what.
    """
    values: dict[str, Json] = {
        "implementation": request.implementation,
        "targets": "host" if request.targets is None else sorted({str(target) for target in request.targets}),
        "version": str(request.version),
    }
    prefers = request.flavor is None and request.preferred_flavor not in {None, FLAVORS[0]}
    optional: dict[str, Json | None] = {
        "build": request.build,
        "build-options": None if request.options is None else list(request.options),
        "bytecode": "unchecked-hash" if request.tree.bytecode else None,
        "cooldown": request.cooldown or None,
        "cpu": None if request.cpu == "baseline" else request.cpu,
        "cpu-strict": True if request.cpu_strict and request.cpu != "baseline" else None,
        "debug": request.debug or None,
        "externally-managed": None if request.tree.externally_managed else False,
        "flavor": request.flavor,
        "freethreaded": request.freethreaded or None,
        "preferred-flavor": request.preferred_flavor if prefers else None,
        # A version that names a prerelease allows them by itself.
        "prereleases": True if request.prereleases and not request.version.allows_prerelease else None,
        "sha256": {str(target): str(digest) for target, digest in request.sha256} or None,
        "url": {str(target): url for target, url in request.url} or None,
        "without": sorted(request.tree.without) or None,
    }
    values |= {key: value for key, value in optional.items() if value is not None}
    return _written(values)


def _written(value: Json | dict[str, Json]) -> str:
    """What ``json.dumps(value, sort_keys=True, separators=(",", ":"))`` writes, without importing json for it."""
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case str() if value.isascii() and value.isprintable() and '"' not in value and "\\" not in value:
            return f'"{value}"'
        case str():
            import json

            return json.dumps(value)
        case list():
            return "[" + ",".join(_written(element) for element in value) + "]"
        case dict():
            return "{" + ",".join(f"{_written(key)}:{_written(value[key])}" for key in sorted(value)) + "}"
