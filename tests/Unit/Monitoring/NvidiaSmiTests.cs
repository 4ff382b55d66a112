using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Sources.NvidiaSmi;
using RobustTrain.Monitoring.Sources.Nvml;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Tests.Monitoring;

public sealed class NvidiaSmiTests
{
    private const long Mebibyte = 1L << 20;
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_XML_of_a_384_driver_is_read_with_its_ECC_totals_and_its_unsupported_values_as_null()
    {
        IReadOnlyList<GpuStatus> gpus = Xml("384");
        GpuStatus gpu = gpus[0];
        Assert.Equal("Tesla K80", gpu.Name);
        Assert.Equal("384.183", gpu.DriverVersion);
        Assert.Null(gpu.CudaVersion);
        Assert.Equal(11439 * Mebibyte, gpu.MemoryTotalBytes);
        Assert.Null(gpu.MemoryReservedBytes);
        Assert.Equal(57.12, gpu.PowerWatts);
        Assert.Equal(149, gpu.PowerLimitWatts);
        Assert.Equal(1, gpu.EccCorrectedVolatile);
        Assert.Equal(0, gpu.EccUncorrectedVolatile);
        Assert.Equal(7, gpu.EccCorrectedAggregate);
        Assert.Equal(2, gpu.EccUncorrectedAggregate);
        Assert.Equal(3, gpu.RetiredPagesSingleBit);
        Assert.False(gpu.IsRetirementPending);
        Assert.Equal("Idle", gpu.ThrottleReasons);
        Assert.Equal(88, gpu.TemperatureSlowdownCelsius);
        Assert.Equal(3, gpu.PcieGeneration);
        Assert.Equal(16, gpu.PcieWidth);
        Assert.Null(gpu.FanPercent);
        Assert.Null(gpu.IsMigEnabled);
        Assert.Empty(gpu.Processes!);

        GpuStatus small = gpus[1];
        Assert.Equal(1, small.Index);
        Assert.Equal(40, small.FanPercent);
        Assert.Null(small.UtilizationPercent);
        Assert.Null(small.PowerWatts);
        Assert.Null(small.IsEccEnabled);
        Assert.Null(small.ThrottleReasons);
        Assert.Null(small.Processes);
        Assert.Equal("00000000:06:00.0", small.PciBusId);
    }

    [Fact]
    public void The_XML_of_a_470_driver_is_read_with_its_MIG_instances()
    {
        GpuStatus gpu = Assert.Single(Xml("470"));
        Assert.True(gpu.IsMigEnabled);
        Assert.Equal([20096 * Mebibyte, 20096 * Mebibyte], gpu.MigDevices!.Select(mig => mig.MemoryTotalBytes));
        Assert.Equal(2, gpu.MigDevices![1].GpuInstanceId);
        Assert.Null(gpu.UtilizationPercent);
        Assert.Equal(5, gpu.EccCorrectedVolatile);
        Assert.Equal(2, gpu.EccUncorrectedVolatile);
        Assert.Equal(1, gpu.RemappedRowsUncorrectable);
        Assert.True(gpu.IsRemappingPending);
        Assert.Equal("SwPowerCap, HwThermalSlowdown", gpu.ThrottleReasons);
        Assert.Equal(33, gpu.MemoryTemperatureCelsius);
        Assert.Equal(250 * 1024, gpu.PcieTransmitBytesPerSecond);
        GpuProcess process = Assert.Single(gpu.Processes!);
        Assert.Equal(1, process.GpuInstanceId);
        Assert.Equal(13 * Mebibyte, process.MemoryUsedBytes);
    }

    [Fact]
    public void The_XML_of_a_550_driver_is_read_under_its_new_names()
    {
        GpuStatus gpu = Xml("550")[0];
        Assert.Equal(640.25, gpu.PowerWatts);
        Assert.Equal(700, gpu.PowerLimitWatts);
        Assert.Equal("ApplicationClocks, SwPowerCap", gpu.ThrottleReasons);
        Assert.Equal(5, gpu.EccCorrectedVolatile);
        Assert.Equal(7, gpu.EccUncorrectedVolatile);
        Assert.Equal(556 * Mebibyte, gpu.MemoryReservedBytes);
        Assert.False(gpu.IsMigEnabled);
        Assert.Null(gpu.MigDevices);
        Assert.Equal("12.4", gpu.CudaVersion);

        GpuStatus sparse = Xml("550")[1];
        Assert.Equal(27, sparse.TemperatureCelsius);
        Assert.Null(sparse.PowerWatts);
        Assert.Null(sparse.ThrottleReasons);
    }

    [Fact]
    public void A_GPU_that_is_lost_hides_no_other_in_either_query()
    {
        (IReadOnlyList<GpuStatus> full, bool isWhole) = SmiXml.Parse(Output(Text("570-lost.xml")), Now, null);
        Assert.Equal([true, false], full.Select(gpu => gpu.IsConnected));
        Assert.Null(full[1].Name);
        Assert.False(isWhole);
        List<GpuStatus> cheap = Csv(Text("570-lost.csv"));
        Assert.Equal([0, 1, 2], cheap.Select(gpu => gpu.Index));
        Assert.Equal([false, true, false], cheap.Select(gpu => gpu.IsConnected));
        Assert.Equal("00000000:0F:00.0", cheap[0].PciBusId);
        Assert.Contains("Unable to determine the device handle for GPU0000:0F:00.0", cheap[0].Error, StringComparison.Ordinal);
        Assert.Equal("nvidia-smi of host says that this GPU is lost.", cheap[2].Error);
        Assert.Null(cheap[2].MemoryTotalBytes);
    }

    [Fact]
    public void Warnings_around_the_values_are_no_values_and_hide_none()
    {
        const string warning = "WARNING: infoROM is corrupted at gpu 0000:0F:00.0\n";
        Assert.Equal(2, Csv(warning + Text("550.csv") + warning).Count);
        Assert.Equal(2, Xml(Output(warning + Text("550.xml") + warning)).Count);
    }

    [Fact]
    public void A_GPU_divided_by_MIG_whose_own_memory_nobody_may_see_is_told_all_the_same()
    {
        GpuStatus gpu = Assert.Single(Csv(Text("580-mig.csv")));
        Assert.Equal("NVIDIA RTX PRO 6000 Blackwell Server Edition", gpu.Name);
        Assert.Equal(97871 * Mebibyte, gpu.MemoryTotalBytes);
        Assert.Null(gpu.MemoryUsedBytes);
        Assert.Null(gpu.UtilizationPercent);
        Assert.Equal("P0", gpu.PerformanceState);
        Assert.True(gpu.IsConnected);

        gpu = Assert.Single(Xml("580-mig"));
        Assert.True(gpu.IsMigEnabled);
        Assert.Null(gpu.MemoryFreeBytes);
        Assert.Null(gpu.CudaVersion);
        Assert.Equal([3, 4], gpu.MigDevices!.Select(mig => mig.GpuInstanceId));
        Assert.Equal([1200 * Mebibyte, null], gpu.MigDevices!.Select(mig => mig.MemoryUsedBytes));
    }

    [Theory]
    [InlineData("384", 2)]
    [InlineData("470", 1)]
    [InlineData("550", 2)]
    public void Both_queries_tell_the_same_of_the_values_that_they_share(string generation, int count)
    {
        List<GpuStatus> cheap = Csv(Text(generation + ".csv"));
        IReadOnlyList<GpuStatus> full = Xml(generation);
        Assert.Equal(count, cheap.Count);
        Assert.Equal(full.Select(gpu => gpu.Uuid), cheap.Select(gpu => gpu.Uuid));
        Assert.Equal(full.Select(gpu => gpu.MemoryUsedBytes), cheap.Select(gpu => gpu.MemoryUsedBytes));
        Assert.Equal(full.Select(gpu => gpu.TemperatureCelsius), cheap.Select(gpu => gpu.TemperatureCelsius));
    }

    [Theory]
    [InlineData("No devices were found", "NoGpu")]
    [InlineData("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", "NvidiaDriverNotLoaded")]
    [InlineData("Failed to initialize NVML: Driver/library version mismatch", "NvmlFailed")]
    [InlineData("Field \"clocks.sm\" is not a valid field to query.", "NvidiaSmiTooOld")]
    [InlineData("<html>proxy error", "NvidiaSmiMalformed")]
    [InlineData("0, GPU-1, H100", "NvidiaSmiMalformed")]
    public void What_is_no_data_is_an_error_that_says_why(string text, string errorId)
    {
        Assert.Equal(errorId, Assert.Throws<MonitorException>(() => Csv(text)).ErrorId);
        var error = Assert.Throws<MonitorException>(() => Xml(Output(text)));
        Assert.Equal(errorId, error.ErrorId);
        Assert.Contains("of host", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void XML_that_is_cut_off_is_an_error()
    {
        string text = Text("550.xml");
        Assert.Equal("NvidiaSmiMalformed", Assert.Throws<MonitorException>(() => Xml(Output(text[..(text.Length / 2)]))).ErrorId);
    }

    [Theory]
    [InlineData("[N/A]")]
    [InlineData("N/A")]
    [InlineData("[Not Supported]")]
    [InlineData("[Unknown Error]")]
    [InlineData("[Insufficient Permissions]")]
    [InlineData("Unknown Error")]
    [InlineData("Not Found")]
    [InlineData("ERR!")]
    [InlineData("Requested functionality has been deprecated")]
    [InlineData("")]
    [InlineData(null)]
    public void Every_way_to_say_nothing_is_null(string? text)
    {
        Assert.Null(SmiValue.Number(text));
        Assert.Null(SmiValue.Whole(text));
        Assert.Null(SmiValue.Bytes(text));
        Assert.Null(SmiValue.Text(text));
        Assert.Null(SmiValue.Truth(text));
    }

    [FsCheck.Xunit.Property]
    public bool No_text_whatever_makes_a_value_crash(string? text)
    {
        SmiValue.Number(text);
        SmiValue.Bytes(text);
        SmiValue.Whole(text);
        return SmiValue.Text(text) is null or { Length: > 0 };
    }

    [Theory]
    [InlineData("<r>N/A</r><s>N/A</s>", null)]
    [InlineData("<clocks_event_reason_gpu_idle>Not Active</clocks_event_reason_gpu_idle>", "")]
    [InlineData("<clocks_event_reason_gpu_idle>Not Active</clocks_event_reason_gpu_idle><clocks_event_reason_sync_boost>Active</clocks_event_reason_sync_boost>", "SyncBoost")]
    [InlineData("[Not Supported]", null)]
    public void What_the_driver_does_not_tell_of_the_clocks_is_null_and_not_that_nothing_holds_them_back(string reasons, string? expected) =>
        Assert.Equal(expected, Assert.Single(Xml(Output($"<?xml version=\"1.0\"?><nvidia_smi_log><gpu id=\"00000000:01:00.0\"><clocks_event_reasons>{reasons}</clocks_event_reasons></gpu></nvidia_smi_log>"))).ThrottleReasons);

    /// <summary>Anyone on the host chooses what a process is called.</summary>
    [Theory]
    [InlineData("python\u001b[0m", "python\uFFFD[0m")]
    [InlineData("\0\u0001\uFFFE", "\uFFFD\uFFFD\uFFFD")]
    [InlineData("a&#1;b", "a\u0001b")]
    [InlineData("a <b> & c &amp; d &lt; e", "a <b> & c & d < e")]
    [InlineData("</process_name></gpu></nvidia_smi_log>", "</process_name></gpu></nvidia_smi_log>")]
    [InlineData("\U0001F600", "\U0001F600")]
    [InlineData("GPU is lost", "GPU is lost")]
    [InlineData("train --note '[GPU requires reset]'", "train --note '[GPU requires reset]'")]
    [InlineData("None", "None")]
    [InlineData("[worker]", "[worker]")]
    [InlineData("Unknown Error", "Unknown Error")]
    [InlineData("[Not Found]", null)]
    public void The_name_of_a_process_breaks_nothing_and_is_evidence_of_nothing(string name, string? told)
    {
        string text = Text("550.xml").Replace("<process_name>robusttrain</process_name>", $"<process_name>{name}</process_name>", StringComparison.Ordinal);
        IReadOnlyList<GpuStatus> gpus = Xml(Output(text));
        Assert.Equal(2, gpus.Count);
        Assert.All(gpus, gpu => Assert.True(gpu.IsConnected));
        Assert.Equal(told, Assert.Single(gpus[0].Processes!).Command);
    }

    [Theory]
    [InlineData(139, "NvidiaSmiFailed", "nvidia-smi of host crashed (exit code 139: signal 11 ended it): trouble.")]
    [InlineData(null, "NvidiaSmiTimedOut", "nvidia-smi of host did not answer in time.")]
    public void What_a_crash_leaves_may_look_whole_and_is_not_taken_for_it(int? exitCode, string errorId, string message)
    {
        var output = new SmiOutput("host", Text("550.csv"), exitCode, "trouble");
        var error = Assert.Throws<MonitorException>(() => SmiCsv.Parse(output, Now));
        Assert.Equal((errorId, message), (error.ErrorId, error.Message));
        Assert.Equal(message, Assert.Throws<MonitorException>(() => SmiXml.Parse(output with { Text = Text("550.xml") }, Now, null)).Message);
    }

    [Fact]
    public void A_failure_without_a_word_names_its_exit_code()
    {
        var error = Assert.Throws<MonitorException>(() => SmiCsv.Parse(new SmiOutput("host", "\n", 9), Now));
        Assert.Equal(("NvidiaSmiFailed", "nvidia-smi of host wrote nothing (exit code 9)."), (error.ErrorId, error.Message));
        error = Assert.Throws<MonitorException>(() => SmiXml.Parse(new SmiOutput("host", "<html>", 7), Now, null));
        Assert.Equal("nvidia-smi of host did not write its XML (exit code 7), but '<html>'.", error.Message);
    }

    [Fact]
    public void A_GPU_that_is_lost_keeps_its_index_and_its_last_values_with_the_time_since_when()
    {
        var known = new KnownGpus();
        IReadOnlyList<GpuStatus> before = known.Settle([Gpu(0, "a"), Gpu(1, "b"), Gpu(2, "c")], "host", Now);
        Assert.Equal(3, before.Count);

        // The first by its place on the bus, the last by its index, which is all that nvidia-smi tells of each.
        DateTimeOffset later = Now.AddMinutes(1);
        GpuStatus unreachable = new() { ComputerName = "host", Time = later, Index = 5, PciBusId = "bus-a", IsConnected = false, Error = "gone" };
        GpuStatus lost = new() { ComputerName = "host", Time = later, Index = 2, IsConnected = false, Error = "lost" };
        foreach (int _ in (int[])[1, 2])
        {
            IReadOnlyList<GpuStatus> after = known.Settle([unreachable, Gpu(1, "b"), lost], "host", later);
            Assert.Equal([0, 1, 2], after.Select(gpu => gpu.Index));
            Assert.Equal(["a", "b", "c"], after.Select(gpu => gpu.Uuid));
            Assert.Equal([Now, null, Now], after.Select(gpu => gpu.StaleSince));
            Assert.Equal(["gone", null, "lost"], after.Select(gpu => gpu.Error));
            Assert.Equal(7, after[0].UtilizationPercent);
        }

        Assert.All(known.Settle([Gpu(0, "a"), Gpu(1, "b"), Gpu(2, "c")], "host", later), gpu => Assert.Null(gpu.StaleSince));
    }

    [Fact]
    public void GPUs_that_are_no_longer_told_are_listed_and_forgotten_only_when_the_driver_numbers_anew()
    {
        var known = new KnownGpus();
        known.Settle([Gpu(0, "a"), Gpu(1, "b"), Gpu(2, "c")], "host", Now);
        IReadOnlyList<GpuStatus> gpus = known.Settle([Gpu(1, "b")], "host", Now);
        Assert.Equal([false, true, false], gpus.Select(gpu => gpu.IsConnected));
        Assert.Equal("nvidia-smi of host no longer tells this GPU.", gpus[0].Error);
        Assert.Equal([0, 1], known.Settle([Gpu(0, "b"), Gpu(1, "c")], "host", Now).Select(gpu => gpu.Index));
    }

    [Fact]
    public void A_lost_GPU_whose_index_cannot_be_known_has_none()
    {
        GpuStatus gpu = Assert.Single(Csv("Unable to determine the device handle for GPU 0000:0B:00.0: Unknown Error\n"));
        Assert.Null(gpu.Index);
        Assert.Equal("00000000:0B:00.0", gpu.PciBusId);
        Assert.False(gpu.IsConnected);
    }

    private static GpuStatus Gpu(int index, string uuid) => new() { ComputerName = "host", Time = Now, Index = index, Uuid = uuid, PciBusId = $"bus-{uuid}", UtilizationPercent = 7 };

    private static SmiOutput Output(string text) => new("host", text, 0);

    private static IReadOnlyList<GpuStatus> Xml(string generation) => Xml(Output(Text(generation + ".xml")));

    private static IReadOnlyList<GpuStatus> Xml(SmiOutput output) => SmiXml.Parse(output, Now, _ => null).Gpus;

    private static List<GpuStatus> Csv(string text) => SmiCsv.Parse(Output(text), Now);

    private static string Text(string file) => File.ReadAllText(Path.Combine(TestFiles.Root, "tests/nvidia-smi-stub/generations", file));
}
