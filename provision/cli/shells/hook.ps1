# provision: the interpreters of a trusted project are on PATH while the shell is in its directory.
if (-not (Test-Path Function:\_provision_prompt)) {
    $global:_provision = @{ Directory = $null; Stamps = @{}; Told = @(); Problem = ''; Commands = ''; Path = ''; Ever = @() }
    Copy-Item Function:\prompt Function:\global:_provision_prompt

    # The time of a file in ticks; -1 for one that does not exist. Starts no process.
    function global:_provision_time([string] $Path) {
        if ([IO.File]::Exists($Path)) { return [IO.File]::GetLastWriteTimeUtc($Path).Ticks }
        if ([IO.Directory]::Exists($Path)) { return [IO.Directory]::GetLastWriteTimeUtc($Path).Ticks }
        return -1
    }

    function global:_provision_changed {
        foreach ($each in @($global:_provision.Stamps.Keys)) {
            if ((_provision_time $each) -ne $global:_provision.Stamps[$each]) { return $true }
        }
        return $false
    }

    function global:_provision_update([string] $Directory) {
        $commands = ''
        $problem = ''
        $global:_provision.Directory = $Directory
        $global:_provision.Stamps = @{}
        $code = $global:LASTEXITCODE
        $lines = @(& @COMMAND@ hook state)
        $global:LASTEXITCODE = $code
        foreach ($line in $lines) {
            $rest = $line.Substring([Math]::Min(1, $line.Length))
            switch -CaseSensitive -Wildcard ($line) {
                'B*' { $commands = $rest }
                'E*' { $problem = $rest }
                '[+-]*' { $global:_provision.Stamps[$rest] = _provision_time $rest }
                'U*' {
                    if ($global:_provision.Told -cnotcontains $rest) {
                        [Console]::Error.WriteLine($rest)
                        $global:_provision.Told += $rest
                    }
                }
            }
        }
        if ($problem -and $problem -cne $global:_provision.Problem) { [Console]::Error.WriteLine($problem) }
        $global:_provision.Problem = $problem
        _provision_set_path $commands
    }

    # Put a directory first on PATH, take all off that the hook ever put there, and leave all others as they are.
    # PATH can get back what it had before: `deactivate` of a virtual environment does so.
    function global:_provision_set_path([string] $Commands) {
        $separator = [string] [IO.Path]::PathSeparator
        $active = [string] $env:__PROVISION_ACTIVE
        $entries = [Collections.Generic.List[string]] @(([string] $env:PATH).Split($separator))
        $global:_provision.Commands = $Commands
        if ($active -and $global:_provision.Ever -cnotcontains $active) { $global:_provision.Ever += $active }
        foreach ($each in @($global:_provision.Ever) + $Commands) {
            if (-not $each -or ($each -ceq $Commands -and $Commands -ceq $active)) { continue }
            while ($entries.Remove($each)) { }
        }
        if ($Commands -and -not $entries.Contains($Commands)) { $entries.Insert(0, $Commands) }
        $env:PATH = $entries -join $separator
        $env:__PROVISION_ACTIVE = if ($Commands) { $Commands } else { $null }
        $global:_provision.Path = [string] $env:PATH
    }

    function global:prompt {
        $location = Get-Location
        if ($location.Provider.Name -eq 'FileSystem') {
            $directory = $location.ProviderPath
            if ($global:_provision.Directory -cne $directory -or (_provision_changed)) { _provision_update $directory }
            elseif ([string] $env:PATH -cne $global:_provision.Path) { _provision_set_path $global:_provision.Commands }
        }
        _provision_prompt
    }
}
