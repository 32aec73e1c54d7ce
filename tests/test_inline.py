"""The policy of pages: it names the digests of the style and the script, as browsers compute them."""

from __future__ import annotations

import base64
import hashlib

from provision.inline import InlineAsset, content_policy


def test_the_policy_allows_exactly_the_files_of_a_package() -> None:
    assets = [InlineAsset.read("provision.review", name) for name in ("page.css", "page.js")]
    for asset in assets:
        kind, _, digest = asset.source.partition("-")
        assert kind == "sha256"
        assert base64.b64decode(digest) == hashlib.sha256(asset.content.encode()).digest()
    style, script = assets
    assert content_policy(style, script) == (
        f"default-src 'none'; style-src '{style.source}'; script-src '{script.source}'; "
        "base-uri 'none'; form-action 'none'"
    )
