# What the tests of monitors share: an NVML library and an nvidia-smi that play scenes, a real sshd on loopback, and counting what is left.

$root = Split-Path (Split-Path $PSScriptRoot)
# From now on NVML is the stub, in a folder of its own; Set-NvmlScene changes what it plays.
function Use-NvmlStub {
    param([Parameter(Mandatory)] [string] $Folder, [string] $Scene = 'gpus 8', [switch] $Old)
    & "$root/tests/nvml-stub/build.sh" $Folder
    if ($LASTEXITCODE) { throw 'The NVML stub was not built.' }
    $env:ROBUSTTRAIN_NVML = Join-Path $Folder ($Old ? 'libnvml-stub-old.so' : 'libnvml-stub.so')
    Set-NvmlScene $Scene
}

function Set-NvmlScene {
    param([Parameter(Mandatory)] [string] $Scene)
    Remove-Item -LiteralPath "$env:ROBUSTTRAIN_NVML.hanging" -ErrorAction Ignore
    Set-Content -LiteralPath "$env:ROBUSTTRAIN_NVML.next" -Value ($Scene -replace '; ', "`n")
    [IO.File]::Move("$env:ROBUSTTRAIN_NVML.next", "$env:ROBUSTTRAIN_NVML.scene", $true)
}

# Whether a call of a process, by default of this one, hangs in the library.
function Test-NvmlHanging {
    param([int] $ProcessId = $PID)
    $path = "$env:ROBUSTTRAIN_NVML.hanging"
    (Test-Path -LiteralPath $path) -and "$ProcessId" -in (Get-Content -LiteralPath $path)
}

function Test-SshServerInstalled { Test-Path /usr/sbin/sshd }

# A real sshd on a port of its own, with keys of its own, known to its client configuration under the given names.
function Start-SshServer {
    param([Parameter(Mandatory)] [string] $Folder, [string[]] $Name = 'box')
    New-Item -ItemType Directory -Force $Folder, "$Folder/bin", /run/sshd | Out-Null
    foreach ($key in 'host_key', 'user_key') { ssh-keygen -q -t ed25519 -N '' -f "$Folder/$key" }
    Copy-Item "$Folder/user_key.pub" "$Folder/authorized_keys"
    $listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
    $listener.Start()
    $port = $listener.LocalEndpoint.Port
    $listener.Stop()
    Set-Content "$Folder/sshd_config" @"
ListenAddress 127.0.0.1
Port $port
HostKey $Folder/host_key
AuthorizedKeysFile $Folder/authorized_keys
PidFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
MaxStartups 500
SetEnv PATH=$Folder/bin:/usr/bin:/bin
"@
    Set-Content "$Folder/known_hosts" "[127.0.0.1]:$port $(Get-Content "$Folder/host_key.pub")"
    Set-Content "$Folder/ssh_config" @"
$(($Name | ForEach-Object { "Host $_`n  HostName 127.0.0.1`n" }) -join '')Host *
  Port $port
  IdentityFile $Folder/user_key
  IdentitiesOnly yes
  UserKnownHostsFile $Folder/known_hosts
  GlobalKnownHostsFile /dev/null
"@
    $process = [Diagnostics.Process]::Start([Diagnostics.ProcessStartInfo]::new('/usr/sbin/sshd', [string[]] @('-D', '-E', "$Folder/log", '-f', "$Folder/sshd_config")))
    $end = [DateTime]::UtcNow.AddSeconds(20)
    while ($true) {
        try { [Net.Sockets.TcpClient]::new('127.0.0.1', $port).Dispose(); break }
        catch { if ([DateTime]::UtcNow -gt $end) { throw }; Start-Sleep -Milliseconds 50 }
    }
    [pscustomobject]@{ Process = $process; Folder = $Folder; Config = "$Folder/ssh_config"; Bin = "$Folder/bin"; Port = $port }
}

# Puts the nvidia-smi that plays scenes onto the server's path.
function Set-SmiGeneration {
    param([Parameter(Mandatory)] $Server, [Parameter(Mandatory)] [string] $Generation)
    Copy-Item -Recurse -Force "$root/tests/nvidia-smi-stub/*" $Server.Bin
    Set-Content "$($Server.Bin)/generation" $Generation
}

# The server and the processes of its connections get a signal: STOP is a host that hangs, KILL one that is gone.
function Send-SshServerSignal {
    param([Parameter(Mandatory)] $Server, [Parameter(Mandatory)] [string] $Signal)
    foreach ($id in @(Get-Descendant $Server.Process.Id) + $Server.Process.Id) { & /bin/kill -s $Signal $id 2>$null }
}

function Stop-SshServer {
    param($Server)
    if (-not $Server) { return }
    Send-SshServerSignal $Server CONT
    Send-SshServerSignal $Server KILL
    $Server.Process.WaitForExit()
}

# A file of /proc, or $null where it has gone: that is no error of the monitor's, and $Error is asserted to be empty.
function Read-ProcText {
    param([string] $Path)
    try { [IO.File]::ReadAllText($Path) } catch { $global:Error.RemoveAt(0) }
}

# The ids of all processes below one.
function Get-Descendant {
    param([int] $Id = $PID)
    foreach ($task in [IO.Directory]::Exists("/proc/$Id/task") ? [IO.Directory]::GetDirectories("/proc/$Id/task") : @()) {
        foreach ($child in "$(Read-ProcText "$task/children")".Split(' ', [StringSplitOptions]::RemoveEmptyEntries)) {
            Get-Descendant ([int] $child)
            [int] $child
        }
    }
}

# The ids of those that are alive; a zombie is not.
function Select-Alive {
    param([int[]] $Id)
    $Id.Where({ (Read-ProcText "/proc/$_/stat") -match '^\d+ \(.*\) [^ZX] ' })
}

# Threads of monitors and readers in this process.
function Get-MonitorThread {
    foreach ($task in [IO.Directory]::GetDirectories("/proc/$PID/task")) {
        $name = "$(Read-ProcText "$task/comm")".Trim()
        if ($name.StartsWith('RobustTrain ') -and $name -notlike 'RobustTrain rea*') { $name }
    }
}

# Handles of what monitors open: files of /proc and pipes.
function Get-MonitorHandle {
    foreach ($link in [IO.Directory]::GetFiles("/proc/$PID/fd")) {
        $target = (Get-Item -LiteralPath $link -Force -ErrorAction Ignore).LinkTarget
        if ($target -like '/proc/*' -and $target -notlike '*/fd') { $target }
    }
}

# What a pwsh of its own shows of a command in a terminal of 80 columns, once it shows what is waited for; colours are taken out.
function Show-InTerminal {
    param([Parameter(Mandatory)] [string] $Command, [Parameter(Mandatory)] [string] $Until, [double] $Seconds = 240)
    $start = [Diagnostics.ProcessStartInfo]::new('script', [string[]] @('-qfec', "stty cols 80 rows 25; exec pwsh -NoProfile -NoLogo -Command `"`$TERMINAL_COMMAND`"", '/dev/null'))
    $start.Environment['TERMINAL_COMMAND'] = $Command
    $start.RedirectStandardOutput = $true
    $start.RedirectStandardInput = $true
    $terminal = [Diagnostics.Process]::Start($start)
    try {
        $shown = ''
        $buffer = [char[]]::new(4096)
        $end = [DateTime]::UtcNow.AddSeconds($Seconds)
        while ($shown -notmatch $Until) {
            $read = $terminal.StandardOutput.ReadAsync($buffer, 0, $buffer.Length)
            $left = $end - [DateTime]::UtcNow
            if ($left -lt 0 -or -not $read.Wait($left) -or $read.Result -eq 0) { break }
            $shown += [string]::new($buffer, 0, $read.Result) -replace "`e\[[0-9;?]*[A-Za-z]" -replace "`r"
        }
        $shown
    }
    finally {
        $terminal.Kill($true)
        $terminal.Dispose()
    }
}

Export-ModuleMember -Function *
