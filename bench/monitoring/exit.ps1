# How long pwsh takes from `exit` to its end: bare, with a monitor, and with a monitor whose source hangs. ROBUSTTRAIN_NVML names the stub.
param([int] $Count = 10, [string] $Module = "$PSScriptRoot/../../artifacts/RobustTrain/RobustTrain.psd1")
$folder = New-Item -ItemType Directory (Join-Path ([IO.Path]::GetTempPath()) ([guid]::NewGuid()))
$leave = "[IO.File]::WriteAllText('$folder/time', [Diagnostics.Stopwatch]::GetTimestamp()); exit"
$monitor = "`$job = Start-Monitor -Interval 0.1 -Timeout 0.2 -WarningAction Ignore"
$kinds = [ordered]@{
    'bare' = "Import-Module '$Module'; Start-Sleep -Milliseconds 300; $leave"
    'with a monitor' = "Import-Module '$Module'; $monitor; while (`$job.SamplesTaken -lt 2) { Start-Sleep -Milliseconds 20 }; Start-Sleep -Milliseconds 200; $leave"
    'with a monitor that hangs' = "Import-Module '$Module'; $monitor; while (`$job.SamplesAbandoned -lt 1) { Start-Sleep -Milliseconds 20 }; $leave"
}
$taken = @{}
foreach ($round in 1..$Count) {
    foreach ($kind in $kinds.Keys) {
        Set-Content "$env:ROBUSTTRAIN_NVML.scene" ($kind -match 'hangs' ? 'hang nvmlDeviceGetUtilizationRates' : 'gpus 8')
        $shell = [Diagnostics.Process]::Start([Diagnostics.ProcessStartInfo]::new("$PSHOME/pwsh", [string[]] @('-NoProfile', '-Command', $kinds[$kind])))
        if (-not $shell.WaitForExit(30000)) { $shell.Kill(); throw "A shell $kind did not end." }
        $end = [Diagnostics.Stopwatch]::GetTimestamp()
        [double[]] $taken[$kind] += ($end - [long] (Get-Content "$folder/time")) * 1000 / [Diagnostics.Stopwatch]::Frequency
    }
}
Set-Content "$env:ROBUSTTRAIN_NVML.scene" 'gpus 8'
Remove-Item -Recurse $folder
foreach ($kind in $kinds.Keys) {
    $sorted = $taken[$kind] | Sort-Object
    $target = $kind -eq 'bare' ? '(beside it)' : '< 2000 ms beyond bare'
    '| exit of pwsh, {0}, {1} times | {2} | median {3:0} ms, maximum {4:0} ms |' -f $kind, $Count, $target, $sorted[[int][Math]::Floor($Count / 2)], $sorted[-1]
}
