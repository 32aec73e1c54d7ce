# provision: the interpreters of a trusted project are on PATH while the shell is in its directory.
if (-not (Test-Path Function:\_provision_prompt)) {
    $global:_provision = @{ Directory = $null; Stamps = @{}; Told = @(); Problem = '' }
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

    # Put a directory first on PATH in the place of the one before, and leave all others as they are.
    function global:_provision_set_path([string] $Commands) {
        $separator = [string] [IO.Path]::PathSeparator
        $active = [string] $env:__PROVISION_ACTIVE
        $entries = [Collections.Generic.List[string]] @(([string] $env:PATH).Split($separator))
        if ($Commands -ceq $active -and (-not $active -or $entries.Contains($active))) { return }
        if ($active) { [void] $entries.Remove($active) }
        if ($Commands) { $entries.Insert(0, $Commands) }
        $env:PATH = $entries -join $separator
        $env:__PROVISION_ACTIVE = if ($Commands) { $Commands } else { $null }
    }

    function global:prompt {
        $location = Get-Location
        if ($location.Provider.Name -eq 'FileSystem') {
            $directory = $location.ProviderPath
            if ($global:_provision.Directory -cne $directory -or (_provision_changed)) { _provision_update $directory }
        }
        _provision_prompt
    }
}
