#!/usr/bin/env bash
# Installs what the lock names, and never changes the lock.
# Reads BIN, INPUT_MANIFEST, INPUT_MIRROR, INPUT_NAMES, INPUT_TARGET.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=.github/action/arguments.sh
source "$here/arguments.sh"

provision sync --locked --no-progress "${arguments[@]}"
