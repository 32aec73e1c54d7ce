# provision for direnv: `use provision [DIRECTORY]` in an .envrc puts the interpreters of a project on PATH.
use_provision() {
  local project=${1:-.} code
  watch_file "$project/pythons.toml" "$project/pythons.lock" "$project/.pythons/.stamp"
  code=$(@COMMAND@ env --shell sh --manifest "$project/pythons.toml") || return
  eval "$code"
}
