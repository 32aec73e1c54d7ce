"""The Renovate preset ``renovate/pythons.json``, made from the keys of an entry.

``pytest --update-golden tests/tools/test_renovate_preset.py`` writes it. Renovate's managers read TOML by regular
expressions, and those of RE2, which cannot say "but not". So each expression names all that an entry may hold: what has
a key that ties it to one archive (`url`, `sha256`), or is spelled in a way that is not foreseen, is left alone.

A build is what Renovate calls a digest: it moves together with its version, in one update. By itself it moves to the
newest build of the same version.
"""

from __future__ import annotations

import json
from typing import Any

from provision.manifest.keys import ENTRY
from tools.references import addresses

_MOVED = ("version", "build")
_TIED_TO_ONE_ARCHIVE = ("url", "sha256")

_SPACE = "[ \\t]*"
_IS = f"{_SPACE}={_SPACE}"
_NAME = "(?<depName>[A-Za-z0-9_-]+)"
# All spellings of one version; `t` and `d`, `+freethreaded` and uv's platforms are kept.
_EXACT = (
    "[\"'](?:cpython)?[@-]?(?:== *)?(?<currentValue>\\d+\\.\\d+\\.\\d+(?:(?:a|b|rc)\\d+)?)"
    "(?:td?|d)?(?:\\+(?:freethreaded|debug))*(?:-[a-z0-9_-]+)?[\"']"
)
_VERSION = f"version{_IS}{_EXACT}"
_BUILD = f"build{_IS}[\"'](?<currentDigest>\\d{{8}})[\"']"
_OTHER_KEY = f"(?:{'|'.join(key for key in ENTRY.keys if key not in (*_MOVED, *_TIED_TO_ONE_ARCHIVE))})"

# Lines of a table without the keys in question: other keys, items of lists, comments, and empty lines.
_LINES = f"(?:\\n{_SPACE}(?:{_OTHER_KEY}{_IS}[^\\n]*|[\\]\"'#][^\\n]*|\\r?))*"
_ITEMS = f"(?:{_OTHER_KEY}{_IS}(?:[\"'][^\"'\\n]*[\"']|\\[[^\\]\\n]*\\]|true|false|\\d+){_SPACE},?{_SPACE})*"

# The table [pythons], and that of one entry with its tables, of which none is allowed by `_LINES`.
_PYTHONS = "(?:^|\\n)\\[pythons\\][^\\n]*(?:\\n+[^\\[\\n][^\\n]*)*"
_ENTRY = f"(?:^|\\n)\\[pythons\\.{_NAME}\\][^\\n]*(?:\\n+(?:[^\\[\\n]|\\[pythons\\.[^.\\]\\n]+\\.)[^\\n]*)*"

_DATASOURCE = "custom.provision"
# The feed has a release for each build of each version, the newest first: of each version the newest is kept.
_RELEASES = (
    '$merge([$, { "releases": $each(releases{ $substringBefore(version, "+"): $ }, function($builds, $version) { '
    '$merge([$builds[0], { "version": $version, "digest": $substringAfter($builds[0].version, "+") }]) }) }])'
)


def renovate_preset() -> dict[str, Any]:
    """The preset as JSON values; ``{{arg0}}`` is the URL of a feed."""
    return {
        "$schema": "https://docs.renovatebot.com/renovate-schema.json",
        "description": [
            "Keeps exact versions and builds in pythons.toml current, from a feed that `provision feed` wrote.",
            f"The argument is the feed's URL: github>{addresses().slug}//renovate/pythons(https://example.com/feed.json)",
        ],
        "customDatasources": {
            "provision": {
                "defaultRegistryUrlTemplate": "{{arg0}}",
                "format": "json",
                "transformTemplates": [_RELEASES],
            }
        },
        "customManagers": [
            _manager(
                'Exact versions: free = "3.14.2t". Ranges and series are the lock file\'s to upgrade.',
                [_PYTHONS, f"\\n{_SPACE}{_NAME}{_IS}{_EXACT}"],
                recursive=True,
            ),
            _manager(
                'Inline tables: old = { version = "3.12.11", build = "20250818" }, the build first, or no build.',
                [_inline(_VERSION), _inline(_VERSION, _BUILD), _inline(_BUILD, _VERSION)],
            ),
            _manager("Tables with a version and no build.", _table(_VERSION), recursive=True),
            _manager("Tables with a version and a build.", _table(_VERSION, _BUILD), recursive=True),
            _manager("Tables with a build and a version.", _table(_BUILD, _VERSION), recursive=True),
        ],
        "packageRules": [
            {
                "description": "A pull request for each entry, with a lock file that is up to date: where Renovate may "
                "run commands, it locks the project.",
                "matchDatasources": [_DATASOURCE],
                "separateMinorPatch": True,
                "commitMessageTopic": "Python {{{depName}}}",
                "postUpgradeTasks": {
                    "commands": ["provision catalog update", "provision lock --manifest {{{packageFile}}}"],
                    "fileFilters": ["**/pythons.lock"],
                    "executionMode": "update",
                },
            },
            {
                "description": "From 3.13 to 3.14 is a decision, not an update.",
                "matchDatasources": [_DATASOURCE],
                "matchUpdateTypes": ["major", "minor"],
                "dependencyDashboardApproval": True,
            },
        ],
    }


def preset_text() -> str:
    """The file's text."""
    return json.dumps(renovate_preset(), indent=2) + "\n"


def _manager(description: str, expressions: list[str], *, recursive: bool = False) -> dict[str, Any]:
    """A manager; a ``recursive`` one looks for each expression in what the one before it matched."""
    return {
        "description": description,
        "customType": "regex",
        "managerFilePatterns": ["/(^|/)pythons\\.toml$/"],
        **({"matchStringsStrategy": "recursive"} if recursive else {}),
        "matchStrings": expressions,
        "packageNameTemplate": "cpython",
        "datasourceTemplate": _DATASOURCE,
        "versioningTemplate": "pep440",
    }


def _table(first: str, second: str = "") -> list[str]:
    """An entry's table; the same, if nothing else is in it; and of that what is replaced, which begins with ``first``.

    Only the first mention of a version or a build is replaced, which must not be one in a comment.
    """
    middle = f"[^\\n]*{_LINES}\\n{_SPACE}{second}" if second else ""
    whole = f"^\\n?\\[[^\\n]*{_LINES}\\n{_SPACE}{_unnamed(first + middle)}[^\\n]*{_LINES}\\n*$"
    return [_ENTRY, whole, f"\\n{_SPACE}{first}{middle}"]


def _inline(first: str, second: str = "") -> str:
    middle = f"{_SPACE},{_SPACE}{_ITEMS}{second}" if second else ""
    return f"\\n{_SPACE}{_NAME}{_IS}\\{{{_SPACE}{_ITEMS}{first}{middle}{_SPACE}(?:,{_SPACE}{_ITEMS})?\\}}"


def _unnamed(expression: str) -> str:
    return expression.replace("(?<currentValue>", "(?:").replace("(?<currentDigest>", "(?:")
