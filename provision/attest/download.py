"""Candidates for attestations of an archive, from GitHub's API."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from provision.attest.bundle import AttestationError, canonical_bundle, decompress, format_bundle
from provision.errors import NetworkError
from provision.model.asset import Digest
from provision.protocols import HttpGetNamed, Response

GITHUB_API = "https://api.github.com"
# One archive is attested by the release workflow and by those of the systems.
_MOST = 30
_OK = 200
_NONE = frozenset({404, 422})
_REFUSED = frozenset({401, 403, 429})


def attestation_url(repository: str, digest: Digest, *, api: str = GITHUB_API) -> str:
    return f"{api.rstrip('/')}/repos/{repository}/attestations/sha256:{digest}?per_page={_MOST}"


def download_bundles(get: HttpGetNamed, repository: str, digest: Digest, *, api: str = GITHUB_API) -> Iterator[bytes]:
    """The bundles of an archive, each in canonical form, one at a time; none if upstream has none.

    Raises `NetworkError` if the request fails, which is different from none. Anything that cannot be a bundle is
    skipped.
    """
    url = attestation_url(repository, digest, api=api)
    response = get(url, {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"})
    if response.status in _NONE:
        return
    for listed in _listed(_successful(response, url), url):
        try:
            bundle = _bundle(get, listed, url)
        except AttestationError:
            continue
        if bundle is not None:
            yield bundle


def _bundle(get: HttpGetNamed, listed: Mapping[str, Any], url: str) -> bytes | None:
    inline, place = listed.get("bundle"), listed.get("bundle_url")
    if isinstance(inline, dict):
        return format_bundle(inline)
    if not isinstance(place, str) or not place:
        return None
    response = _successful(get(place, {"accept": "application/x-snappy, application/json"}, named_by=url), place)
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return canonical_bundle(response.body if kind == "application/json" else decompress(response.body))


def _listed(response: Response, url: str) -> list[Mapping[str, Any]]:
    try:
        found = json.loads(response.body)["attestations"]
    except (ValueError, RecursionError, LookupError, TypeError) as error:
        raise _foreign(url) from error
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise _foreign(url)
    return found[:_MOST]


def _foreign(url: str) -> NetworkError:
    return NetworkError(
        f"{url.partition('?')[0]} did not return a response of GitHub's API",
        hint="Check the network and PROVISION_GITHUB_API, then run the command again.",
    )


def _successful(response: Response, url: str) -> Response:
    if response.status != _OK:
        hint = "Set GITHUB_TOKEN: without it, GitHub allows few requests per hour."
        raise NetworkError(
            f"cannot download attestations: {url.partition('?')[0]} answered with status {response.status}",
            hint=hint if response.status in _REFUSED else "Run the command again later.",
        )
    return response
