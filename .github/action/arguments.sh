# shellcheck shell=bash
# Sourced by the steps: turns the inputs `names` and `target` into the array `arguments`, and exports the others.
# Inputs are text that a workflow may have taken from anywhere; here they are words of an argument list and nothing else.
# An input left empty does not hide what the job's own environment says.
# Defines `provision`, which is started with -I: neither the checkout nor a job's PYTHONPATH gives it modules.

[[ -z ${INPUT_MANIFEST:-} ]] || export PROVISION_MANIFEST=$INPUT_MANIFEST
[[ -z ${INPUT_MIRROR:-} ]] || export PROVISION_MIRROR=$INPUT_MIRROR

provision() {
  "$BIN/python" -I -m provision "$@"
}

words() {
  printf '%s\n' "$1" | tr -s '[:space:],' '\n' | sed '/^$/d'
}

arguments=()
while read -r word; do
  arguments+=(--target "$word")
done < <(words "${INPUT_TARGET:-}")
arguments+=(--)
while read -r word; do
  arguments+=("$word")
done < <(words "${INPUT_NAMES:-}")
