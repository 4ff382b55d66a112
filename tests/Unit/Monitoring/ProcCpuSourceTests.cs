using System.Text;
using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Sources;
using RobustTrain.Monitoring.Sources.Proc;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Tests.Monitoring;

public sealed class ProcCpuSourceTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("proc").FullName;

    public void Dispose() => Directory.Delete(root, recursive: true);

    [LinuxFact("It rewrites files that are open, as Linux's kernel does.")]
    public void Shares_of_time_are_differences_of_all_kinds_of_time()
    {
        Write("proc/stat", "cpu  100 50 100 1000 50 10 20 30 0 0\ncpu0 100 50 100 1000 50 10 20 30 0 0\nbtime 1700000000\n");
        using var source = new ProcCpuSource("host", new MonitorOptions(), root);
        Assert.Null(source.Sample(SampleDetail.Full).UtilizationPercent);

        // 100 ticks: 20 user, 10 nice, 15 system, 5 + 5 interrupts, 30 idle, 10 waiting, 5 stolen.
        Write("proc/stat", "cpu  120 60 115 1030 60 15 25 35 0 0\ncpu0 120 60 115 1030 60 15 25 35 0 0\nbtime 1700000000\n");
        CpuStatus status = source.Sample(SampleDetail.Cheap);
        Assert.Equal(30, status.UserPercent!.Value, 9);
        Assert.Equal(25, status.SystemPercent!.Value, 9);
        Assert.Equal(10, status.IoWaitPercent!.Value, 9);
        Assert.Equal(5, status.StealPercent!.Value, 9);
        Assert.Equal(60, status.UtilizationPercent!.Value, 9);
        Assert.Equal(1, status.LogicalCores);
        Assert.Null(status.Cores);
    }

    [LinuxFact("It rewrites files that are open, as Linux's kernel does.")]
    public void Cores_are_told_one_by_one_on_request()
    {
        Write("proc/stat", "cpu  0 0 0 200 0 0 0 0\ncpu0 0 0 0 100 0 0 0 0\ncpu1 0 0 0 100 0 0 0 0\n");
        using var source = new ProcCpuSource("host", new MonitorOptions { IncludeCores = true }, root);
        source.Sample(SampleDetail.Full);
        Write("proc/stat", "cpu  100 0 0 300 0 0 0 0\ncpu0 100 0 0 100 0 0 0 0\ncpu1 0 0 0 200 0 0 0 0\n");
        CpuStatus status = source.Sample(SampleDetail.Cheap);
        Assert.Equal([100, 0], status.Cores!.Select(core => core.UtilizationPercent!.Value));
        Assert.Equal(50, status.UtilizationPercent);
    }

    [Fact]
    public void Memory_swap_load_and_pressure_are_told()
    {
        Write("proc/stat", "cpu  0 0 0 0 0 0 0 0\n");
        Write("proc/loadavg", "0.50 1.25 2.00 3/456 789\n");
        Write("proc/meminfo", "MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    600 kB\nBuffers:  1 kB\nCached:  1 kB\nSwapCached: 0 kB\nSwapTotal:       200 kB\nSwapFree:        150 kB\n");
        Write("proc/pressure/cpu", "some avg10=1.50 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
        Write("proc/pressure/memory", "some avg10=2.50 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.75 avg60=0.00 avg300=0.00 total=0\n");
        using var source = new ProcCpuSource("host", new MonitorOptions(), root);
        CpuStatus status = source.Sample(SampleDetail.Full);
        Assert.Equal(0.5, status.LoadAverage1);
        Assert.Equal(1.25, status.LoadAverage5);
        Assert.Equal(2, status.LoadAverage15);
        Assert.Equal(3, status.RunnableTasks);
        Assert.Equal(456, status.TotalTasks);
        Assert.Equal(1000 * 1024, status.MemoryTotalBytes);
        Assert.Equal(600 * 1024, status.MemoryAvailableBytes);
        Assert.Equal(400 * 1024, status.MemoryUsedBytes);
        Assert.Equal(50 * 1024, status.SwapUsedBytes);
        Assert.Equal(1.5, status.CpuPressurePercent);
        Assert.Equal(2.5, status.MemoryPressurePercent);
        Assert.Equal(0.75, status.MemoryFullPressurePercent);
        Assert.Null(status.IoPressurePercent);
    }

    [Fact]
    public void Limits_of_control_groups_of_version_2_are_the_strictest_on_the_way_up()
    {
        Write("proc/stat", "cpu  0 0 0 0 0 0 0 0\n");
        Write("proc/self/cgroup", "0::/slice/job\n");
        Write("sys/fs/cgroup/slice/job/memory.max", "max\n");
        Write("sys/fs/cgroup/slice/job/memory.current", "12345\n");
        Write("sys/fs/cgroup/slice/job/cpu.max", "250000 100000\n");
        Write("sys/fs/cgroup/slice/memory.max", "1048576\n");
        Write("sys/fs/cgroup/slice/cpu.max", "max 100000\n");
        using var source = new ProcCpuSource("host", new MonitorOptions(), root);
        CpuStatus status = source.Sample(SampleDetail.Full);
        Assert.Equal(1048576, status.CgroupMemoryLimitBytes);
        Assert.Equal(12345, status.CgroupMemoryUsedBytes);
        Assert.Equal(2.5, status.CgroupCpuLimitCores);
    }

    [Fact]
    public void Limits_of_control_groups_of_version_1_are_told_and_its_largest_number_means_none()
    {
        Write("proc/stat", "cpu  0 0 0 0 0 0 0 0\n");
        Write("proc/self/cgroup", "4:memory:/job\n1:cpu,cpuacct:/job\n");
        Write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "9223372036854771712\n");
        Write("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "77\n");
        Write("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "50000\n");
        Write("sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
        using var source = new ProcCpuSource("host", new MonitorOptions(), root);
        CpuStatus status = source.Sample(SampleDetail.Full);
        Assert.Null(status.CgroupMemoryLimitBytes);
        Assert.Equal(77, status.CgroupMemoryUsedBytes);
        Assert.Equal(0.5, status.CgroupCpuLimitCores);
    }

    [LinuxFact("It rewrites files that are open, as Linux's kernel does.")]
    public void Limits_that_change_are_told_and_so_are_those_of_a_group_that_the_process_is_moved_to()
    {
        Write("proc/stat", "cpu  0 0 0 0 0 0 0 0\n");
        Write("proc/self/cgroup", "0::/one\n");
        Write("sys/fs/cgroup/one/memory.max", "1000\n");
        Write("sys/fs/cgroup/two/memory.max", "3000\n");
        using var source = new ProcCpuSource("host", new MonitorOptions(), root);
        Assert.Equal(1000, source.Sample(SampleDetail.Full).CgroupMemoryLimitBytes);
        Write("sys/fs/cgroup/one/memory.max", "2000\n");
        Assert.Equal(2000, source.Sample(SampleDetail.Full).CgroupMemoryLimitBytes);
        Write("proc/self/cgroup", "0::/two\n");
        Assert.Equal(3000, source.Sample(SampleDetail.Full).CgroupMemoryLimitBytes);
    }

    [Fact]
    public void A_host_without_proc_is_told_so()
    {
        using var source = new ProcCpuSource("host", new MonitorOptions(), root);
        Assert.Equal("ProcNotFound", Assert.Throws<MonitorException>(() => source.Sample(SampleDetail.Full)).ErrorId);
    }

    [LinuxFact("Windows has no /proc.")]
    public void This_machine_is_read_as_the_runtime_knows_it()
    {
        using var source = new ProcCpuSource("host", new MonitorOptions { IncludeProcesses = true, IncludeCores = true });
        CpuStatus status = source.Sample(SampleDetail.Full);
        Assert.True(status.LogicalCores >= Environment.ProcessorCount);
        Assert.Equal(status.LogicalCores, status.Cores!.Count);
        Assert.InRange(status.MemoryTotalBytes!.Value, 1L << 28, 1L << 45);
        HostProcess own = Assert.Single(status.Processes!, process => process.ProcessId == Environment.ProcessId);
        Assert.Equal(Environment.UserName, own.User);
        Assert.InRange(own.MemoryBytes!.Value, 1L << 20, status.MemoryTotalBytes.Value);
    }

    [Theory]
    [InlineData("12 (a b) c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22", "a b) c", 'S', 23, 19, 21)]
    public void A_process_whose_name_holds_parentheses_is_read_right(string stat, string name, char state, long ticks, long start, long pages) =>
        Assert.Equal((name, state, ticks, start, pages), ProcessTable.ParseStat(stat));

    [Theory]
    [InlineData("")]
    [InlineData("12 (cut off) S 1 2")]
    [InlineData("no parentheses")]
    public void A_process_that_cannot_be_read_is_none(string stat) => Assert.Null(ProcessTable.ParseStat(stat));

    [FsCheck.Xunit.Property]
    public bool No_text_whatever_makes_the_reading_crash(string text)
    {
        var reading = new ProcReading(includeCores: true);
        byte[] bytes = Encoding.UTF8.GetBytes(text ?? "");
        for (int round = 0; round < 2; round++)
        {
            reading.Begin();
            reading.Stat([.. "cpu "u8, .. bytes]);
            reading.LoadAverage(bytes);
            reading.Memory(bytes);
            reading.CpuPressure(bytes);
        }

        return reading.ToStatus("host", default).ComputerName == "host";
    }

    private void Write(string path, string text)
    {
        string full = Path.Combine(root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);

        // In place, as the kernel does: the source keeps its files open.
        using var file = new FileStream(full, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite);
        file.SetLength(0);
        file.Write(Encoding.UTF8.GetBytes(text));
    }
}
