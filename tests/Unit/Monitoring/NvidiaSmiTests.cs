using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Gpu;
using RobustTrain.Monitoring.Gpu.NvidiaSmi;

namespace RobustTrain.Tests.Monitoring;

public sealed class NvidiaSmiTests
{
    private const long Mebibyte = 1L << 20;
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_XML_of_a_384_driver_is_read_with_its_ECC_totals_and_its_unsupported_values_as_null()
    {
        List<GpuStatus> gpus = Xml("384");
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
        List<GpuStatus> full = Xml("570-lost");
        Assert.Equal([true, false], full.Select(gpu => gpu.IsConnected));
        Assert.Null(full[1].Name);
        List<GpuStatus> cheap = SmiCsv.Parse(Text("570-lost.csv"), "host", Now);
        Assert.Equal([true, false], cheap.Select(gpu => gpu.IsConnected));
        Assert.Equal(2, cheap[1].Index);
        Assert.Null(cheap[1].MemoryTotalBytes);
    }

    [Fact]
    public void Warnings_around_the_values_are_no_values_and_hide_none()
    {
        const string warning = "WARNING: infoROM is corrupted at gpu 0000:0F:00.0\n";
        Assert.Equal(2, SmiCsv.Parse(warning + Text("550.csv") + warning, "host", Now).Count);
        Assert.Equal(2, SmiXml.Parse(warning + Text("550.xml") + warning, "host", Now, null).Count);
    }

    [Fact]
    public void A_GPU_divided_by_MIG_whose_own_memory_nobody_may_see_is_told_all_the_same()
    {
        GpuStatus gpu = Assert.Single(SmiCsv.Parse(Text("580-mig.csv"), "host", Now));
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
        List<GpuStatus> cheap = SmiCsv.Parse(Text(generation + ".csv"), "host", Now);
        List<GpuStatus> full = Xml(generation);
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
        Assert.Equal(errorId, Assert.Throws<MonitorException>(() => SmiCsv.Parse(text, "gpu01", Now)).ErrorId);
        var error = Assert.Throws<MonitorException>(() => SmiXml.Parse(text, "gpu01", Now, null));
        Assert.Equal(errorId, error.ErrorId);
        Assert.Contains("gpu01", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void XML_that_is_cut_off_is_an_error()
    {
        string text = Text("550.xml");
        Assert.Equal("NvidiaSmiMalformed", Assert.Throws<MonitorException>(() => SmiXml.Parse(text[..(text.Length / 2)], "host", Now, null)).ErrorId);
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

    private static List<GpuStatus> Xml(string generation) => SmiXml.Parse(Text(generation + ".xml"), "host", Now, _ => null);

    private static string Text(string file) => File.ReadAllText(Path.Combine(TestFiles.Root, "tests/nvidia-smi-stub/generations", file));
}
