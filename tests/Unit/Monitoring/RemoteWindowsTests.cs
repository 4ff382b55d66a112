using System.Diagnostics;
using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Sources;
using RobustTrain.Monitoring.Sources.Ssh;
using RobustTrain.Monitoring.Status;
using RobustTrain.Platform;

namespace RobustTrain.Tests.Monitoring;

/// <summary>A host that has no <c>sh</c> is asked by Windows PowerShell.</summary>
[Collection("monitors, whose threads and children are counted")]
public sealed class RemoteWindowsTests : IDisposable
{
    private static readonly MonitorOptions s_options = new() { IncludeCores = true, IncludeProcesses = true, Timeout = TimeSpan.FromMinutes(2) };

    private readonly ChildGuard _guard = new();
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _guard.Dispose();
        _folder.Dispose();
    }

    [LinuxFact("The client is a script of sh.")]
    public void What_it_answers_becomes_the_host_s_CPU_processes_and_GPUs()
    {
        string answer = _folder.At("answer");
        File.WriteAllText(answer, """
            /proc/stat:cpu  @USER@ 0 100 1000
            /proc/stat:cpu0 @USER@ 0 50 500
            /proc/stat:cpu1 0 0 50 500
            /proc/meminfo:MemTotal: 2000 kB
            /proc/meminfo:MemAvailable: 500 kB
            """ + "\n@robusttrain @NONCE@ processes\n4\t100\tNT AUTHORITY\\SYSTEM\t24\t638000000000000000\t@USER@\tSystem\tC:\\Program Files\\a b.exe -x\n7\t1\t\t8\t638000000000000001\t0\tsshd\tsshd\nno process\n@robusttrain @NONCE@ smi-missing\n");
        using SshSource source = new("win01", MonitorKinds.Cpu | MonitorKinds.Gpu, s_options, Client($"""
            user=0
            while read -r line && [ "$line" != '#robusttrain' ]; do :; done
            while read -r word nonce detail; do
            user=$((user + 300))
            echo "@robusttrain $nonce proc"; sed "s/@NONCE@/$nonce/; s/@USER@/$user/" {answer}; echo "@robusttrain $nonce end"
            done
            """), _guard);

        HostSnapshot first = source.Sample(SampleDetail.Full);
        Assert.Equal((2, null, 2000L * 1024, 1500L * 1024), (first.Cpu!.LogicalCores, first.Cpu.UtilizationPercent, first.Cpu.MemoryTotalBytes, first.Cpu.MemoryUsedBytes));
        Assert.Equal("win01 has no nvidia-smi.", Assert.Single(first.Gpus!).Error);
        HostSnapshot second = source.Sample(SampleDetail.Full);
        Assert.Equal(100, second.Cpu!.UtilizationPercent);
        Assert.Equal([100, null], second.Cpu.Cores!.Select(core => core.UtilizationPercent));
        HostProcess[] processes = [.. second.Cpu.Processes!];
        Assert.Equal([(4, @"NT AUTHORITY\SYSTEM", "System", @"C:\Program Files\a b.exe -x", 24L * 1024), (7, null, "sshd", "sshd", 8L * 1024)], processes.Select(process => (process.ProcessId, process.User, process.Name, process.Command, process.MemoryBytes!.Value)));
        Assert.True(processes[0].CpuPercent > 0);
        Assert.Equal(0, processes[1].CpuPercent);
    }

    [LinuxFact("The client is a script of sh.")]
    public void A_host_with_neither_shell_is_told_with_what_it_said()
    {
        using SshSource source = new("win01", MonitorKinds.Cpu, s_options, Client("echo 'no powershell' >&2; exit 9"), _guard);
        MonitorException failure = Assert.Throws<MonitorException>(() => source.Sample(SampleDetail.Full));
        Assert.Equal(("RemoteShellNotFound", "win01 has neither a shell 'sh' nor Windows PowerShell: operable program or batch file."), (failure.ErrorId, failure.Message));
    }

    [WindowsFact]
    public void PowerShell_tells_its_Windows_counters_and_processes()
    {
        SshOptions client = new() { Program = Environment.GetEnvironmentVariable("ROBUSTTRAIN_TEST_FAKE")! };
        using SshSource source = new("win01", MonitorKinds.Cpu | MonitorKinds.Gpu, s_options, client, _guard);
        CpuStatus first = source.Sample(SampleDetail.Full).Cpu!;
        Assert.Equal((true, Environment.ProcessorCount, null), (first.IsConnected, first.LogicalCores, first.UtilizationPercent));
        Assert.True(first.MemoryAvailableBytes > 0 && first.MemoryAvailableBytes < first.MemoryTotalBytes);
        Assert.Contains(first.Processes!, process => process.ProcessId == Environment.ProcessId && process.MemoryBytes > 0);

        long began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) < TimeSpan.FromMilliseconds(200))
        {
        }

        CpuStatus second = source.Sample(SampleDetail.Full).Cpu!;
        Assert.InRange(second.UtilizationPercent!.Value, double.Epsilon, 100);
        Assert.Equal(Environment.ProcessorCount, second.Cores!.Count);
        Assert.True(Assert.Single(second.Processes!, process => process.ProcessId == Environment.ProcessId).CpuPercent > 0);
    }

    // An OpenSSH client whose host runs cmd.exe.
    private SshOptions Client(string powershell)
    {
        string program = _folder.At("ssh");
        File.WriteAllText(program, $"""
            #!/bin/sh
            for last; do :; done
            if [ "$last" = sh ]; then
            printf "'sh' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n" >&2
            exit 1
            fi
            {powershell}

            """);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return new SshOptions { Program = program };
    }
}
