# provision: the interpreters of a trusted project are on PATH while the shell is in its directory.
_provision_hook() {
  emulate -L zsh # `$?` is zsh's own care here
  setopt no_err_exit no_err_return
  if [[ ${_provision_directory-} != "$PWD" ]] || _provision_changed; then
    _provision_update
  elif [[ ${PATH-} != "${_provision_path-}" ]]; then
    _provision_set_path "${_provision_commands-}"
  fi
  return 0
}

# Whether a file changed that the last answer depends on. Starts no process.
_provision_changed() {
  local each token=
  if [[ -n ${_provision_reference-} ]]; then
    { IFS= read -r token <"$_provision_reference" } 2>/dev/null || return 0
    [[ $token == "${_provision_token-}" ]] || return 0
    for each in "${(@)_provision_present}"; do
      [[ -e $each && ! $each -nt $_provision_reference ]] || return 0
    done
  fi
  for each in "${(@)_provision_absent}"; do
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
  local line output='' commands='' problem=''
  typeset -g _provision_directory=$PWD _provision_reference='' _provision_token=''
  typeset -ga _provision_present _provision_absent _provision_told
  _provision_present=() _provision_absent=()
  if _provision_may_have_project; then
    output=$(@COMMAND@ hook state) || output=''
  else
    _provision_absent=("$PWD/pythons.toml")
  fi
  for line in "${(@f)output}"; do
    case $line in
      (B*) commands=${line[2,-1]} ;;
      (R*) _provision_reference=${line[2,-1]} ;;
      (T*) _provision_token=${line[2,-1]} ;;
      (+*) _provision_present+=("${line[2,-1]}") ;;
      (-*) _provision_absent+=("${line[2,-1]}") ;;
      (E*) problem=${line[2,-1]} ;;
      (U*)
        if ((! ${_provision_told[(Ie)$line]})); then
          print -r -u 2 -- "${line[2,-1]}"
          _provision_told+=("$line")
        fi
        ;;
    esac
  done
  if [[ -n $problem && $problem != "${_provision_problem-}" ]]; then print -r -u 2 -- "$problem"; fi
  typeset -g _provision_problem=$problem
  _provision_set_path "$commands"
}

# Put a directory first on PATH, take all off that the hook ever put there, and leave all others as they are.
# PATH can get back what it had before: `deactivate` of a virtual environment does so.
_provision_set_path() {
  local each active=${__PROVISION_ACTIVE-}
  local -a entries=("${(@)path}")
  typeset -g _provision_commands=$1
  typeset -gaU _provision_ever
  if [[ -n $active ]]; then _provision_ever+=("$active"); fi
  for each in "${(@)_provision_ever}" "$1"; do
    if [[ -z $each || ($each == "$1" && $1 == "$active") ]]; then continue; fi
    entries=("${(@)entries:#$each}")
  done
  if [[ -n $1 ]] && ((! ${entries[(Ie)$1]})); then entries=("$1" "${(@)entries}"); fi
  if [[ "${(j.:.)entries}" != "${(j.:.)path}" ]]; then path=("${(@)entries}"); fi
  typeset -g _provision_path=${PATH-}
  if [[ -n $1 ]]; then
    export PATH
    typeset -gx __PROVISION_ACTIVE=$1
  else
    unset __PROVISION_ACTIVE
  fi
}

autoload -Uz add-zsh-hook
add-zsh-hook chpwd _provision_hook
add-zsh-hook precmd _provision_hook
