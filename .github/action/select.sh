#!/usr/bin/env bash
# Fails unless the lock file is up to date, and says what the cache is for (outputs cache, key, paths, lock-digest).
# Reads BIN, INPUT_MANIFEST, INPUT_NAMES, INPUT_TARGET, INPUT_CACHE, INPUT_CHECK_ONLY.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=.github/action/arguments.sh
source "$here/arguments.sh"

if [[ ${INPUT_CHECK_ONLY:-} == true ]]; then
  provision lock --check
fi
plan=$RUNNER_TEMP/provision-plan.json
provision plan --json "${arguments[@]}" >"$plan"
cache=$(provision cache dir)
"$BIN/python" -I "$here/select.py" "$plan" "$cache" >>"$GITHUB_OUTPUT"
