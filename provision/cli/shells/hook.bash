# provision: the interpreters of a trusted project are on PATH while the shell is in its directory.
_provision_hook() {
  local code=$?
  if [[ ${_provision_directory-} != "$PWD" ]] || _provision_changed; then
    _provision_update
  elif [[ ${PATH-} != "${_provision_path-}" ]]; then
    _provision_set_path "${_provision_commands-}"
  fi
  case $- in *e*) return 0 ;; esac # `set -e` would end the shell
  return "$code"
}

# Whether a file changed that the last answer depends on. Starts no process.
_provision_changed() {
  local each token=
  if [[ -n ${_provision_reference-} ]]; then
    { IFS= read -r token <"$_provision_reference"; } 2>/dev/null || return 0
    [[ $token == "${_provision_token-}" ]] || return 0
    for each in ${_provision_present[@]+"${_provision_present[@]}"}; do
      [[ -e $each && ! $each -nt $_provision_reference ]] || return 0
    done
  fi
  for each in ${_provision_absent[@]+"${_provision_absent[@]}"}; do
    [[ ! -e $each ]] || return 0
  done
  return 1
}

# Whether there may be a manifest in this directory or above it.
_provision_may_have_project() {
  local folder=$PWD
  while :; do
    if [[ -e $folder/pythons.toml || -L $folder ]]; then return 0; fi
    if [[ -z $folder || $folder == / ]]; then return 1; fi
    folder=${folder%/*}
  done
}

_provision_update() {
  local line output='' commands='' problem='' newline=$'\n'
  _provision_directory=$PWD _provision_reference='' _provision_token=''
  _provision_present=() _provision_absent=()
  if _provision_may_have_project; then
    output=$(@COMMAND@ hook state) || output=''
  else
    _provision_absent=("$PWD/pythons.toml")
  fi
  while IFS= read -r line; do
    case $line in
      B*) commands=${line:1} ;;
      R*) _provision_reference=${line:1} ;;
      T*) _provision_token=${line:1} ;;
      +*) _provision_present+=("${line:1}") ;;
      -*) _provision_absent+=("${line:1}") ;;
      E*) problem=${line:1} ;;
      U*)
        case $newline${_provision_told-}$newline in
          *"$newline$line$newline"*) ;;
          *)
            printf '%s\n' "${line:1}" >&2
            _provision_told=${_provision_told-}$newline$line
            ;;
        esac
        ;;
    esac
  done <<<"$output"
  if [[ -n $problem && $problem != "${_provision_problem-}" ]]; then printf '%s\n' "$problem" >&2; fi
  _provision_problem=$problem
  _provision_set_path "$commands"
}

# Put a directory first on PATH, take all off that the hook ever put there, and leave all others as they are.
# PATH can get back what it had before: `deactivate` of a virtual environment does so.
_provision_set_path() {
  local each active=${__PROVISION_ACTIVE-} entries=":${PATH-}:" left
  _provision_commands=$1
  if [[ -n $active && :${_provision_ever-} != *":$active:"* ]]; then _provision_ever=${_provision_ever-}$active:; fi
  left=${_provision_ever-}${1:+$1:}
  while [[ -n $left ]]; do
    each=${left%%:*} left=${left#*:}
    if [[ $each == "$1" && $1 == "$active" ]]; then continue; fi
    while [[ $entries == *":$each:"* ]]; do entries=${entries/":$each:"/:}; done
  done
  if [[ -n $1 && $entries != *":$1:"* ]]; then entries=:$1$entries; fi
  if [[ $entries != ":${PATH-}:" ]]; then
    entries=${entries#:}
    export PATH=${entries%:}
  fi
  _provision_path=${PATH-}
  if [[ -n $1 ]]; then export __PROVISION_ACTIVE=$1; else unset __PROVISION_ACTIVE; fi
}

if [[ ${PROMPT_COMMAND[*]-} != *_provision_hook* ]]; then
  if [[ $(declare -p PROMPT_COMMAND 2>/dev/null) == "declare -a"* ]] &&
    ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)); then
    PROMPT_COMMAND=(_provision_hook ${PROMPT_COMMAND[@]+"${PROMPT_COMMAND[@]}"})
  else
    PROMPT_COMMAND="_provision_hook${PROMPT_COMMAND:+;$PROMPT_COMMAND}"
  fi
fi
