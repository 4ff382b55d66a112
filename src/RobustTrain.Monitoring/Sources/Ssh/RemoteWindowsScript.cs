using System.Text;
using RobustTrain.Monitoring.Sources.NvidiaSmi;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Monitoring.Sources.Ssh;

/// <summary>
/// What is sent to a host's Windows PowerShell, which every Windows has, where the host has no <c>sh</c>: it answers <see cref="RemoteScript"/>'s
/// calls in the same form, the counters in the words of Linux's <c>/proc</c>. It writes nothing to disk; and it ends with its standard input.
/// </summary>
internal static class RemoteWindowsScript
{
    private const string LastLine = "#robusttrain";

    // Takes the script from standard input, for a command of Windows may not be longer than 8191 characters.
    private const string Reader = $"$t = @(); while (($l = [Console]::In.ReadLine()) -ne '{LastLine}') {{ if ($null -eq $l) {{ exit }}; $t += $l }}; Invoke-Expression ($t -join \"`n\")";

    /// <summary>The remote command: the same for <c>cmd.exe</c> and PowerShell, whichever the host's ssh server starts.</summary>
    public static readonly string Command = $"powershell -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand {Convert.ToBase64String(Encoding.Unicode.GetBytes(Reader))}";

    /// <summary>The script, which then waits for calls.</summary>
    /// <param name="kinds">What to read.</param>
    /// <param name="processes">Whether process lists are wanted.</param>
    public static string Define(MonitorKinds kinds, bool processes)
    {
        string cpu = kinds.HasFlag(MonitorKinds.Cpu) ? "Write-Counter" : "";
        string list = processes ? $"if ($detail -eq 'full') {{ \"{RemoteScript.Mark} $nonce processes\"; Write-ProcessList }}" : "";
        string query = string.Join(' ', SmiCsv.Query.Split(' ').Select(word => $"'{word}'"));
        string gpu = !kinds.HasFlag(MonitorKinds.Gpu) ? "" : $$"""
                if (-not $smi) { "{{RemoteScript.Mark}} $nonce smi-missing" }
                else {
                    $xml = if ($detail -eq 'full') { @(& $smi -q -x 2>&1 | ForEach-Object { "$_" }) } else { $null }
                    if ($null -ne $xml) { "{{RemoteScript.Mark}} $nonce smi-xml"; $xml; "{{RemoteScript.Mark}} $nonce smi-exit $LASTEXITCODE" }
                    if ($null -eq $xml -or "$xml" -notlike "*<attached_gpus>$(@($xml -like '*<gpu id=*').Count)</*") {
                        "{{RemoteScript.Mark}} $nonce smi-csv"; & $smi {{query}} 2>&1 | ForEach-Object { "$_" }
                        "{{RemoteScript.Mark}} $nonce smi-exit $LASTEXITCODE"
                    }
                }
            """;
        return $$"""
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
            function Write-ProcessList {
                $now = Get-Date; $commands = @{}
                try { Get-CimInstance Win32_Process -Property ProcessId, CommandLine -ErrorAction Stop | ForEach-Object { $commands[[int]$_.ProcessId] = $_.CommandLine } } catch { }
                # Owners are told to administrators only.
                $all = try { Get-Process -IncludeUserName -ErrorAction Stop } catch { Get-Process }
                foreach ($process in $all) {
                    $start = try { $process.StartTime } catch { $null }
                    if (-not $start) { continue }
                    $command = if ($commands[$process.Id]) { $commands[$process.Id] } else { $process.ProcessName }
                    ($process.Id, [long]($now - $start).TotalSeconds, $process.UserName, [long]($process.WorkingSet64 / 1024), $start.Ticks, [long]($process.TotalProcessorTime.Ticks / 100000), $process.ProcessName, ($command -replace '\s+', ' ')) -join "`t"
                }
            }
            while ($null -ne ($line = [Console]::In.ReadLine())) {
                $word, $nonce, $detail = $line.Split(' ')
                & {
                    "{{RemoteScript.Mark}} $nonce proc"
                    {{cpu}}
                    {{list}}
                    {{gpu}}
                    "{{RemoteScript.Mark}} $nonce end"
                } | ForEach-Object { [Console]::Out.WriteLine($_) }
                [Console]::Out.Flush()
            }
            {{LastLine}}

            """.Replace("\r\n", "\n", StringComparison.Ordinal);
    }
}
