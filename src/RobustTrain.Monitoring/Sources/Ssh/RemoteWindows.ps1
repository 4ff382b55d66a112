# Sent to a host's Windows PowerShell by RemoteWindowsScript.cs, which sets $mark, $cpu, $gpu, $processes and $query before. Answers the calls of
# RemoteScript.cs in the same form, the counters in the words of Linux's /proc.
$ErrorActionPreference = 'Continue'; $ProgressPreference = 'SilentlyContinue'
[Console]::OutputEncoding = New-Object Text.UTF8Encoding $false
Add-Type -Namespace RobustTrain -Name Counters -MemberDefinition @'
[DllImport("kernel32.dll", SetLastError = true)] static extern bool GlobalMemoryStatusEx([In, Out] ulong[] status);
[DllImport("ntdll.dll")] static extern int NtQuerySystemInformation(int kind, [In, Out] long[] buffer, int bytes, out int length);
// Idle, kernel (idle included) and user time of each core, in units of 100 ns, out of 48 bytes a core.
public static long[] Cores() {
    long[] all = new long[6 * 1024]; int length;
    int status = NtQuerySystemInformation(8, all, 8 * all.Length, out length);
    if (status < 0) throw new InvalidOperationException("Windows did not tell the times of its cores: status " + status);
    long[] cores = new long[length / 48 * 3];
    for (int core = 0; core < length / 48; core++) Array.Copy(all, 6 * core, cores, 3 * core, 3);
    return cores;
}
// Total and available memory, in bytes.
public static ulong[] Memory() {
    ulong[] status = new ulong[8]; status[0] = 64;
    if (!GlobalMemoryStatusEx(status)) throw new System.ComponentModel.Win32Exception();
    return new ulong[] { status[1], status[2] };
}
'@
$smi = (Get-Command nvidia-smi -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1).Source
if (-not $smi) { $smi = "$env:ProgramFiles\NVIDIA Corporation\NVSMI\nvidia-smi.exe"; if (-not (Test-Path $smi)) { $smi = $null } }

function Write-Counter {
    $cores = [RobustTrain.Counters]::Cores(); $total = 0, 0, 0
    $lines = for ($at = 0; $at -lt $cores.Count; $at += 3) {
        $idle, $kernel, $user = $cores[$at..($at + 2)]
        $total[0] += $user; $total[1] += $kernel - $idle; $total[2] += $idle
        "/proc/stat:cpu$($at / 3) $user 0 $($kernel - $idle) $idle"
    }
    "/proc/stat:cpu  $($total[0]) 0 $($total[1]) $($total[2])"
    $lines
    $memory = [RobustTrain.Counters]::Memory()
    "/proc/meminfo:MemTotal: $([long]($memory[0] / 1024)) kB"
    "/proc/meminfo:MemAvailable: $([long]($memory[1] / 1024)) kB"
}

# Id, seconds since its start, user, memory in KiB, when it began, its CPU time in hundredths of a second, name, command.
function Write-ProcessList {
    $now = Get-Date; $commands = @{}
    Get-CimInstance Win32_Process -Property ProcessId, CommandLine -ErrorAction SilentlyContinue | ForEach-Object { $commands[[int]$_.ProcessId] = $_.CommandLine }
    # Owners are told to administrators only.
    $all = try { Get-Process -IncludeUserName -ErrorAction Stop } catch { Get-Process }
    foreach ($process in $all) {
        $start = try { $process.StartTime } catch { $null }
        if (-not $start) { continue }
        $command = if ($commands[$process.Id]) { $commands[$process.Id] } else { $process.ProcessName }
        ($process.Id, [long]($now - $start).TotalSeconds, $process.UserName, [long]($process.WorkingSet64 / 1024), $start.Ticks, [long]($process.TotalProcessorTime.Ticks / 100000), $process.ProcessName, ($command -replace '\s+', ' ')) -join "`t"
    }
}

# A full query that does not tell as many GPUs as there are leaves one out that is lost; the other one tells the indices then.
function Write-Gpu($nonce, $detail) {
    if (-not $smi) { "$mark $nonce smi-missing"; return }
    $xml = $null
    if ($detail -eq 'full') {
        $xml = @(& $smi -q -x 2>&1 | ForEach-Object { "$_" })
        "$mark $nonce smi-xml"; $xml; "$mark $nonce smi-exit $LASTEXITCODE"
    }
    if ($null -eq $xml -or "$xml" -notlike "*<attached_gpus>$(@($xml -like '*<gpu id=*').Count)</*") {
        "$mark $nonce smi-csv"; & $smi $query 2>&1 | ForEach-Object { "$_" }; "$mark $nonce smi-exit $LASTEXITCODE"
    }
}

while ($null -ne ($line = [Console]::In.ReadLine())) {
    $word, $nonce, $detail = $line.Split(' ')
    & {
        "$mark $nonce proc"
        if ($cpu) { Write-Counter }
        if ($processes -and $detail -eq 'full') { "$mark $nonce processes"; Write-ProcessList }
        if ($gpu) { Write-Gpu $nonce $detail }
        "$mark $nonce end"
    } | ForEach-Object { [Console]::Out.WriteLine($_) }
    [Console]::Out.Flush()
}
