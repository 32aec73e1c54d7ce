#!/usr/bin/env bash
# Installs provision into a virtual environment of its own, and says where it is (output bin, PATH).
# Reads INPUT_VERSION, INPUT_ADD_TO_PATH. A bare version number is refused: it says nothing of the bytes that an index has.
set -euo pipefail

# The working directory is a checkout, which may be anybody's. Each Python here is started with -I, so that neither the
# checkout nor a job's PYTHONPATH gives it modules; these are for the Pythons that venv and pip start.
unset PYTHONHOME PYTHONPATH
export PYTHONSAFEPATH=1

fail() {
  echo "::error title=provision::$1"
  exit 1
}

find_python() {
  local name
  for name in python3.14 python3.13 python3.12 python3.11 python3 python; do
    if command -v "$name" >/dev/null && "$name" -I -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$name"
      return
    fi
  done
}

version=${INPUT_VERSION:-}
if [[ -z $version ]]; then
  source=$GITHUB_ACTION_PATH
elif [[ $version =~ ^https://[^[:space:]]+\.whl#sha256=[0-9a-f]{64}$ || (-e $version && $version == */*) ]]; then
  source=$version
else
  fail "the input 'version' is neither empty, nor a path, nor the https URL of a wheel with #sha256="
fi

venv=$RUNNER_TEMP/provision
bin=$venv/bin
[[ ${RUNNER_OS:-} == Windows ]] && bin=$venv/Scripts

# Used twice in a job, the action installs once.
if [[ ! -e $venv/source || $(<"$venv/source") != "$source" ]]; then
  python=$(find_python)
  [[ -n $python ]] || fail "this runner has no Python 3.11 or newer to run provision itself with"
  "$python" -I -m venv --clear "$venv"
  "$bin/python" -I -m pip install --quiet --disable-pip-version-check "$source"
  echo "$source" >"$venv/source"
fi
"$bin/python" -I -m provision --version
echo "bin=$bin" >>"$GITHUB_OUTPUT"

# Only the one command: the environment's own python and pip are not for the job.
if [[ ${INPUT_ADD_TO_PATH:-} == true ]]; then
  mkdir -p "$venv/path"
  cp "$bin/provision"* "$venv/path/"
  echo "$venv/path" >>"$GITHUB_PATH"
fi
