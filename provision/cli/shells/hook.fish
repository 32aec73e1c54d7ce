# provision: the interpreters of a trusted project are on PATH while the shell is in its directory.
function _provision_hook --on-event fish_prompt --on-variable PWD
    set -l code $status
    if test "$_provision_directory" != "$PWD"; or _provision_changed
        _provision_update
    else if test "$PATH" != "$_provision_path"
        _provision_set_path $_provision_commands
    end
    return $code
end

# Whether a file changed that the last answer depends on. Starts no process.
function _provision_changed
    if test -n "$_provision_reference"
        test -r "$_provision_reference"; or return 0
        set -l token
        read token <"$_provision_reference"; or return 0
        test "$token" = "$_provision_token"; or return 0
        for each in $_provision_present
            test -e "$each" -a ! "$each" -nt "$_provision_reference"; or return 0
        end
    end
    for each in $_provision_absent
        test -e "$each"; and return 0
    end
    return 1
end

# Whether there may be a manifest in this directory or above it.
function _provision_may_have_project
    set -l folder $PWD
    while true
        if test -e "$folder/pythons.toml" -o -L "$folder"
            return 0
        end
        if test -z "$folder" -o "$folder" = /
            return 1
        end
        set folder (string split -r -m 1 / -- "$folder")[1]
    end
end

function _provision_update
    set -l commands
    set -l problem
    set -g _provision_directory $PWD
    set -g _provision_reference
    set -g _provision_token
    set -g _provision_present
    set -g _provision_absent
    if not _provision_may_have_project
        set _provision_absent "$PWD/pythons.toml"
    else
        for line in (@COMMAND@ hook state)
            set -l rest (string sub -s 2 -- "$line")
            switch (string sub -l 1 -- "$line")
                case B
                    set commands $rest
                case R
                    set _provision_reference $rest
                case T
                    set _provision_token $rest
                case '+'
                    set -a _provision_present $rest
                case '-'
                    set -a _provision_absent $rest
                case E
                    set problem $rest
                case U
                    if not contains -- "$rest" $_provision_told
                        printf '%s\n' "$rest" >&2
                        set -ga _provision_told $rest
                    end
            end
        end
    end
    if test -n "$problem" -a "$problem" != "$_provision_problem"
        printf '%s\n' "$problem" >&2
    end
    set -g _provision_problem $problem
    _provision_set_path $commands
end

# Put a directory first on PATH, take all off that the hook ever put there, and leave all others as they are.
# PATH can get back what it had before: `deactivate` of a virtual environment does so.
function _provision_set_path
    set -l active $__PROVISION_ACTIVE
    set -g _provision_commands $argv
    if test -n "$active"; and not contains -- "$active" $_provision_ever
        set -ga _provision_ever $active
    end
    for each in $_provision_ever $argv
        if test "$each" = "$argv[1]" -a "$each" = "$active"
            continue
        end
        while set -l place (contains -i -- "$each" $PATH)
            set -e PATH[$place]
        end
    end
    if test -n "$argv[1]"
        if not contains -- "$argv[1]" $PATH
            set -gx PATH $argv[1] $PATH
        end
        set -gx __PROVISION_ACTIVE $argv[1]
    else
        set -e __PROVISION_ACTIVE
    end
    set -g _provision_path "$PATH"
end
