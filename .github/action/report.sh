#!/usr/bin/env bash
# Tells later steps what is installed (output pythons, PATH), and people, too (the job's summary).
# Reads BIN, INPUT_MANIFEST, INPUT_NAMES, INPUT_TARGET, INPUT_ADD_TO_PATH, INPUT_SUMMARY.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=.github/action/arguments.sh
source "$here/arguments.sh"

# The plan that select.sh made: what it would install is there by now, under the keys it named.
plan=$RUNNER_TEMP/provision-plan.json
listing=$RUNNER_TEMP/provision-list.json
provision list --json >"$listing"
"$BIN/python" -I "$here/report.py" "$plan" "$listing"

# Trees for other platforms are nothing to run here.
if [[ ${INPUT_ADD_TO_PATH:-} == true && -z $(words "${INPUT_TARGET:-}") ]]; then
  provision env --shell github >>"$GITHUB_PATH"
fi
