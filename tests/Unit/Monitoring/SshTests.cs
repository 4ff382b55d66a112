using System.Collections.Concurrent;
using System.Diagnostics;
using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Monitors;
using RobustTrain.Monitoring.Sources;
using RobustTrain.Monitoring.Sources.Proc;
using RobustTrain.Monitoring.Sources.Ssh;
using RobustTrain.Monitoring.Status;
using RobustTrain.Platform;

namespace RobustTrain.Tests.Monitoring;

[Collection("monitors, whose threads and children are counted")]
public sealed class SshTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private const MonitorKinds Both = MonitorKinds.Gpu | MonitorKinds.Cpu;
    private readonly ChildGuard guard = new();

    public void Dispose() => guard.Dispose();

    [SshFact]
    public void A_host_is_read_over_one_connection_for_many_ticks()
    {
        using var server = new SshServer("gpu01");
        InstallSmi(server, "550");
        using var source = new SshSource("gpu01", Both, new MonitorOptions { IncludeProcesses = true }, server.Options, guard);
        HostSnapshot first = source.Sample(SampleDetail.Full);
        int connection = Assert.Single(SshClients());
        HostSnapshot second = source.Sample(SampleDetail.Cheap);
        Assert.Equal(connection, Assert.Single(SshClients()));

        Assert.Equal("gpu01", first.Cpu!.ComputerName);
        Assert.Null(first.Cpu.UtilizationPercent);
        Assert.InRange(second.Cpu!.UtilizationPercent!.Value, 0, 100);
        Assert.True(second.Cpu.MemoryTotalBytes > 0);
        Assert.Contains(first.Cpu.Processes!, process => process.ProcessId == Environment.ProcessId);

        Assert.Equal(["GPU-5500-0", "GPU-5500-1"], second.Gpus!.Select(gpu => gpu.Uuid));
        Assert.Equal(97, second.Gpus![0].UtilizationPercent);
        Assert.Equal(71, second.Gpus[0].MemoryTemperatureCelsius);
        Assert.Null(second.Gpus[0].Device);

        // Process 1 exists on the host, and its command is the host's to tell.
        GpuProcess process = Assert.Single(first.Gpus![0].Processes!);
        Assert.Equal("root", process.User);
        Assert.NotNull(process.StartTime);
    }

    [SshFact]
    public void A_host_tells_its_control_groups_limits_and_from_the_second_list_on_what_its_processes_use()
    {
        using var server = new SshServer("gpu01");
        var options = new MonitorOptions { IncludeProcesses = true };
        using var source = new SshSource("gpu01", MonitorKinds.Cpu, options, server.Options, guard);
        CpuStatus first = source.Sample(SampleDetail.Full).Cpu!;
        Assert.All(first.Processes!, process => Assert.Null(process.CpuPercent));

        // This process works until the kernel has counted it, in hundredths of a second.
        TimeSpan until = Environment.CpuUsage.TotalTime + TimeSpan.FromMilliseconds(100);
        SpinWait.SpinUntil(() => Environment.CpuUsage.TotalTime > until);
        CpuStatus second = source.Sample(SampleDetail.Full).Cpu!;
        HostProcess own = Assert.Single(second.Processes!, process => process.ProcessId == Environment.ProcessId);
        Assert.True(own.CpuPercent > 0);

        // The server is a child of this process, and so in its group.
        using var local = new ProcCpuSource("here", new MonitorOptions());
        CpuStatus here = local.Sample(SampleDetail.Full);
        Assert.Equal(here.CgroupCpuLimitCores, second.CgroupCpuLimitCores);
        Assert.Equal(here.CgroupMemoryLimitBytes, second.CgroupMemoryLimitBytes);
        Assert.Equal(here.CgroupMemoryUsedBytes is null, second.CgroupMemoryUsedBytes is null);
        Assert.Equal(second.CgroupMemoryLimitBytes, source.Sample(SampleDetail.Cheap).Cpu!.CgroupMemoryLimitBytes);
    }

    [Fact]
    public void Limits_of_control_groups_are_the_strictest_that_the_host_has_sent()
    {
        Assert.Equal((0.5, 1000, 77), RemoteCgroup.Read(Files(
            ("/sys/fs/cgroup/a/b/memory.max", "max"), ("/sys/fs/cgroup/a/b/memory.current", "77"), ("/sys/fs/cgroup/a/b/cpu.max", "max 100000"),
            ("/sys/fs/cgroup/a/memory.max", "1000"), ("/sys/fs/cgroup/a/memory.current", "99"), ("/sys/fs/cgroup/a/cpu.max", "50000 100000"))));
        Assert.Equal((2.0, null, 5), RemoteCgroup.Read(Files(
            ("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712"), ("/sys/fs/cgroup/memory/a/memory.usage_in_bytes", "5"),
            ("/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "200000"), ("/sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000"), ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1"))));
        Assert.Equal((null, null, null), RemoteCgroup.Read(Files(("/proc/stat", "cpu 1"))));

        static Dictionary<string, MemoryStream> Files(params (string Path, string Text)[] files) => files.ToDictionary(file => file.Path, file =>
        {
            var text = new MemoryStream();
            text.Write(System.Text.Encoding.UTF8.GetBytes(file.Text + "\n"));
            return text;
        });
    }

    [SshFact]
    public void A_host_without_nvidia_smi_tells_its_CPU_and_says_why_it_has_no_GPUs()
    {
        using var server = new SshServer("gpu01");
        using var source = new SshSource("gpu01", Both, new MonitorOptions(), server.Options, guard);
        HostSnapshot snapshot = source.Sample(SampleDetail.Full);
        Assert.True(snapshot.Cpu!.IsConnected);
        GpuStatus gpu = Assert.Single(snapshot.Gpus!);
        Assert.False(gpu.IsConnected);
        Assert.Equal("gpu01 has no nvidia-smi.", gpu.Error);
    }

    [SshFact]
    public void A_hung_nvidia_smi_costs_the_CPU_nothing_and_its_last_values_become_stale()
    {
        using var server = new SshServer("gpu01");
        InstallSmi(server, "550");
        using var source = new SshSource("gpu01", Both, new MonitorOptions { Timeout = TimeSpan.FromSeconds(3) }, server.Options, guard);
        DateTimeOffset good = source.Sample(SampleDetail.Full).Time;
        InstallSmi(server, "hang");
        HostSnapshot snapshot = source.Sample(SampleDetail.Cheap);
        Assert.True(snapshot.Cpu!.IsConnected);
        Assert.Equal(2, snapshot.Gpus!.Count);
        Assert.All(snapshot.Gpus, gpu => Assert.False(gpu.IsConnected));
        Assert.Equal("nvidia-smi of gpu01 did not answer in time.", snapshot.Gpus[0].Error);
        Assert.Equal(97, snapshot.Gpus[0].UtilizationPercent);
        Assert.True(snapshot.Gpus[0].StaleSince >= good);
    }

    [SshFact]
    public void A_lost_GPU_is_told_and_shifts_no_index_in_full_and_in_cheap_samples()
    {
        using var server = new SshServer("gpu01");
        InstallSmi(server, "570-lost");
        using var source = new SshSource("gpu01", MonitorKinds.Gpu, new MonitorOptions { Timeout = TimeSpan.FromSeconds(20) }, server.Options, guard);
        foreach (SampleDetail detail in (SampleDetail[])[SampleDetail.Full, SampleDetail.Cheap, SampleDetail.Full])
        {
            IReadOnlyList<GpuStatus> gpus = source.Sample(detail).Gpus!;
            Assert.Equal([0, 1, 2], gpus.Select(gpu => gpu.Index));
            Assert.Equal([false, true, false], gpus.Select(gpu => gpu.IsConnected));
            Assert.Equal("GPU-5700-1", gpus[1].Uuid);
            Assert.Equal("12.8", gpus[1].CudaVersion);
        }
    }

    [SshFact]
    public void An_nvidia_smi_that_crashes_is_told_with_its_exit_code()
    {
        using var server = new SshServer("gpu01");
        InstallSmi(server, "crash");
        using var source = new SshSource("gpu01", MonitorKinds.Gpu, new MonitorOptions { Timeout = TimeSpan.FromSeconds(20) }, server.Options, guard);
        GpuStatus gpu = Assert.Single(source.Sample(SampleDetail.Full).Gpus!);
        Assert.False(gpu.IsConnected);
        Assert.StartsWith("nvidia-smi of gpu01 crashed (exit code 139: signal 11 ended it)", gpu.Error, StringComparison.Ordinal);
    }

    [SshFact]
    public void A_host_without_GPUs_has_an_empty_list()
    {
        using var server = new SshServer("gpu01");
        InstallSmi(server, "no-gpu");
        using var source = new SshSource("gpu01", MonitorKinds.Gpu, new MonitorOptions(), server.Options, guard);
        HostSnapshot snapshot = source.Sample(SampleDetail.Full);
        Assert.Empty(snapshot.Gpus!);
        Assert.Null(snapshot.Cpu);
    }

    [SshFact]
    public void A_host_key_that_is_not_known_is_not_accepted()
    {
        using var server = new SshServer("gpu01");
        server.ForgetHostKey();
        Assert.Equal("HostKeyUnknown", Refused("gpu01", server.Options).ErrorId);
    }

    [SshFact]
    public void A_host_key_that_has_changed_is_not_accepted()
    {
        using var server = new SshServer("gpu01");
        server.ChangeHostKey();
        MonitorException error = Refused("gpu01", server.Options);
        Assert.Equal("HostKeyChanged", error.ErrorId);
        Assert.Equal("gpu01", error.Target);
    }

    [SshFact]
    public void A_key_that_is_refused_is_told()
    {
        using var server = new SshServer("gpu01");
        server.RefuseKey();
        Assert.Equal("SshKeyRefused", Refused("gpu01", server.Options).ErrorId);
    }

    [SshFact]
    public void A_host_that_nobody_knows_is_told_with_the_nearest_name()
    {
        using var server = new SshServer("gpu01", "gpu02");
        MonitorException error = Refused("gpu0l.invalid", server.Options);
        Assert.Equal("HostUnknown", error.ErrorId);
        Assert.StartsWith("The host gpu0l.invalid is not known.", error.Message, StringComparison.Ordinal);
        Assert.Contains("Did you mean gpu01?", Refused("gpu1", server.Options).Message, StringComparison.Ordinal);
    }

    [SshFact]
    public void A_server_that_is_killed_shows_as_stale_and_is_found_again_when_it_is_back()
    {
        using var server = new SshServer("gpu01");
        var options = new MonitorOptions { Interval = TimeSpan.FromMilliseconds(100), Timeout = TimeSpan.FromSeconds(10) };
        using var monitor = new HostMonitor("gpu01", MonitorKinds.Cpu, new SshSource("gpu01", MonitorKinds.Cpu, options, server.Options, guard), options);
        var seen = new BlockingCollection<HostSnapshot>();
        monitor.Published += seen.Add;
        monitor.Start();
        Await(seen, snapshot => snapshot.Cpu!.IsConnected);
        server.Kill();
        CpuStatus stale = Await(seen, snapshot => !snapshot.Cpu!.IsConnected).Cpu!;
        Assert.NotNull(stale.MemoryTotalBytes);
        Assert.NotNull(stale.StaleSince);
        Assert.Contains("gpu01", stale.Error, StringComparison.Ordinal);
        Await(seen, snapshot => snapshot.Cpu!.Error!.Contains("refused", StringComparison.Ordinal));
        server.Start();
        Assert.Null(Await(seen, snapshot => snapshot.Cpu!.IsConnected).Cpu!.StaleSince);
        Assert.True(monitor.Stop(Patience));
        Assert.Empty(SshClients());
    }

    [SshFact]
    public void A_host_that_stops_answering_delays_no_other_and_the_session_ends_in_time()
    {
        using var hung = new SshServer("gpu01");
        using var well = new SshServer("gpu02");
        string config = Path.GetTempFileName();
        File.WriteAllText(config, $"Match originalhost gpu01\n Include {hung.Options.ConfigPath}\nMatch originalhost gpu02\n Include {well.Options.ConfigPath}\n");
        using var session = new MonitorSession(new MonitorSessionOptions
        {
            ComputerNames = ["gpu01", "gpu02"],
            Kinds = MonitorKinds.Cpu,
            Ssh = new SshOptions { ConfigPath = config },
            Sampling = new MonitorOptions { Interval = TimeSpan.FromMilliseconds(100), Timeout = TimeSpan.FromSeconds(10) },
        });
        var seen = new BlockingCollection<CpuStatus>();
        session.Written += record => seen.Add((CpuStatus)record);
        session.Start();
        Await(seen, status => status is { ComputerName: "gpu01", IsConnected: true });
        Await(seen, status => status is { ComputerName: "gpu02", IsConnected: true });

        hung.Signal(19);
        CpuStatus stale = Await(seen, status => status is { ComputerName: "gpu01", IsConnected: false });
        Assert.Contains("has not answered within 10 s", stale.Error, StringComparison.Ordinal);
        long before = session.Health.Single(health => health.ComputerName == "gpu02").SamplesTaken;
        Assert.True(SpinWait.SpinUntil(() => session.Health.Single(health => health.ComputerName == "gpu02").SamplesTaken > before + 5, Patience));

        Assert.True(session.Stop(Patience));
        Assert.Empty(SshClients());
        File.Delete(config);
    }

    [SshFact]
    public void Stopping_in_the_middle_of_a_remote_sample_leaves_no_process()
    {
        using var server = new SshServer("gpu01");
        InstallSmi(server, "hang");
        using var monitor = SystemMonitor.Remote("gpu01", Both, new MonitorOptions { Timeout = TimeSpan.FromSeconds(30) }, server.Options, guard);
        monitor.Start();
        Assert.True(SpinWait.SpinUntil(() => SshClients().Any(), Patience));
        Assert.True(monitor.Stop(Patience));
        Assert.Empty(SshClients());
    }

    [SshFact]
    public void An_interrupt_that_comes_before_the_connection_stands_cuts_it()
    {
        using var server = new SshServer("gpu01");
        InstallSmi(server, "hang");
        using var source = new SshSource("gpu01", Both, new MonitorOptions { Timeout = TimeSpan.FromMinutes(10) }, server.Options, guard);
        source.Interrupt();
        Assert.Equal("ConnectionTimedOut", Assert.Throws<MonitorException>(() => source.Sample(SampleDetail.Full)).ErrorId);
        Assert.Empty(SshClients());
    }

    [Fact]
    public void A_missing_client_is_told_with_how_to_install_it()
    {
        using var source = new SshSource("gpu01", Both, new MonitorOptions(), new SshOptions { Program = "no-such-ssh" }, guard);
        Assert.Equal("SshNotFound", Assert.Throws<MonitorException>(() => source.Sample(SampleDetail.Full)).ErrorId);
    }

    [Theory]
    [InlineData("-oProxyCommand=touch /tmp/x")]
    [InlineData("")]
    [InlineData("a\nb")]
    public void A_name_that_could_be_an_option_is_refused(string name) =>
        Assert.Equal("HostNameInvalid", Assert.Throws<MonitorException>(() => SystemMonitor.Remote(name)).ErrorId);

    [Fact]
    public void Host_names_come_from_the_configuration_and_the_files_that_it_includes()
    {
        string folder = Directory.CreateTempSubdirectory("sshconfig").FullName;
        File.WriteAllText(Path.Combine(folder, "config"), "Include conf.d/*\nHost gpu01 gpu02 *.lab !bad\n  User me\nhost = login\nHost *\n");
        Directory.CreateDirectory(Path.Combine(folder, "conf.d"));
        File.WriteAllText(Path.Combine(folder, "conf.d", "a"), "Host extra\n");
        Assert.Equal(["extra", "gpu01", "gpu02", "login"], SshHostNames.Read(Path.Combine(folder, "config")));
        Assert.Empty(SshHostNames.Read(Path.Combine(folder, "nowhere")));
        Directory.Delete(folder, recursive: true);
    }

    private MonitorException Refused(string host, SshOptions ssh)
    {
        using var source = new SshSource(host, Both, new MonitorOptions { Timeout = TimeSpan.FromSeconds(20) }, ssh, guard);
        return Assert.Throws<MonitorException>(() => source.Sample(SampleDetail.Full));
    }

    private static T Await<T>(BlockingCollection<T> seen, Func<T, bool> wanted)
    {
        var watch = Stopwatch.StartNew();
        while (watch.Elapsed < Patience)
        {
            if (seen.TryTake(out T? found, Patience) && wanted(found))
                return found;
        }

        throw new TimeoutException("What was waited for did not come.");
    }

    private static IEnumerable<int> SshClients() => SshServer.Descendants(Environment.ProcessId)
        .Where(IsSsh);

    private static bool IsSsh(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/comm").Trim() == "ssh";
        }
        catch (IOException)
        {
            // It ended between the listing and the reading.
            return false;
        }
    }

    private static void InstallSmi(SshServer server, string generation)
    {
        TestFiles.CopyFolder(Path.Combine(TestFiles.Root, "tests/nvidia-smi-stub"), server.Bin);
        File.WriteAllText(Path.Combine(server.Bin, "generation"), generation);
    }
}
