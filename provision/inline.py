"""Styles and scripts inside of HTML pages, and the policy that allows only these."""

from __future__ import annotations

import base64
import hashlib
from typing import NamedTuple


class InlineAsset(NamedTuple):
    """A style or a script, and its digest as a content security policy spells it (``sha256-…``)."""

    content: str
    source: str

    @classmethod
    def read(cls, package: str, *names: str) -> InlineAsset:
        """A file of a package, or several in a row."""
        from importlib.resources import files

        content = "".join(files(package).joinpath(name).read_text(encoding="utf-8") for name in names)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode("ascii")
        return cls(content, f"sha256-{digest}")


def content_policy(style: InlineAsset, script: InlineAsset) -> str:
    """The policy of a page that loads nothing, and runs nothing but its own style and script."""
    sources = f"style-src '{style.source}'; script-src '{script.source}'"
    return f"default-src 'none'; {sources}; base-uri 'none'; form-action 'none'"
