"""Owns `python3-config` where it is a shell script; where it is a Python script, `scripts` mends it like any other."""

from __future__ import annotations

import re

from provision.install.relocate.origin import Origin
from provision.relocate.rewrite import Mender

# What a script is called by may be a link elsewhere; `realpath` is missing on older macOS, `readlink -f` on the oldest.
REAL = '"$(realpath -- "$0" 2>/dev/null || readlink -f -- "$0" 2>/dev/null || echo "$0")"'

_FUNCTION = re.compile(r"# Returns the actual prefix[^\n]*\ninstalled_prefix \(\)\n\{\n.*?\n\}\n\n?", re.DOTALL)
_CALL = re.compile(r'^prefix_real=\$\(installed_prefix "\$0"\)$', re.MULTILINE)
_SUBSTITUTION = re.compile(r'\$\(echo "([^"\n]*)" \| sed "s#\^?\$(?:exec_)?prefix#\$(?:exec_)?prefix_real#"\)')
_PREFIX = re.compile(r'^prefix="([^"\n]*)"$', re.MULTILINE)
_BIN_SH = "#!/bin/sh"


def relocate(text: str, path: str, origin: Origin, config: str) -> str:
    """Let the script find its own prefix, through links and with spaces in it, and know no other."""
    if not text.startswith(_BIN_SH):
        return text
    text = _CALL.sub(lambda _: f'prefix_real=$(cd -- "$(dirname -- {REAL})/.." && pwd -P)', text)
    text = _FUNCTION.sub("", text)
    text = _PREFIX.sub(lambda match: 'prefix="${prefix_real}"' if match[1] == origin.prefix else match[0], text)
    text = _SUBSTITUTION.sub(lambda match: f'"{match[1]}"', text)
    return Mender(origin, prefix="${prefix}", config=config).text(text)
