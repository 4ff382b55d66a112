using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Monitors;
using RobustTrain.Monitoring.Sources;
using RobustTrain.Monitoring.Sources.Nvml;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Tests.Monitoring;

[Collection("monitors, whose threads and children are counted")]
public sealed class NvmlSourceTests
{
    private const long Gibibyte = 1L << 30;

    [LinuxFact("Its NVML is a stub that is compiled for Linux.")]
    public void Eight_GPUs_are_told_with_all_their_values()
    {
        using var stub = new NvmlStub("gpus 8");
        using var source = new NvmlSource("host", new MonitorOptions(), stub.LibraryPath);
        GpuSnapshot snapshot = source.Sample(SampleDetail.Full);
        Assert.Equal(8, snapshot.Gpus.Count);
        GpuStatus gpu = snapshot.Gpus[1];
        Assert.True(gpu.IsConnected);
        Assert.Equal(1, gpu.Index);
        Assert.Equal("cuda:1", gpu.Device);
        Assert.Equal("GPU-00000001-aaaa-bbbb-cccc-0123456789ab", gpu.Uuid);
        Assert.Equal("NVIDIA A100-SXM4-40GB", gpu.Name);
        Assert.Equal("00000000:11:00.0", gpu.PciBusId);
        Assert.Equal("550.54.15", gpu.DriverVersion);
        Assert.Equal("12.4", gpu.CudaVersion);
        Assert.Equal(40 * Gibibyte, gpu.MemoryTotalBytes);
        Assert.Equal(2 * Gibibyte, gpu.MemoryUsedBytes);
        Assert.Equal(Gibibyte / 2, gpu.MemoryReservedBytes);
        Assert.Equal(gpu.MemoryTotalBytes, gpu.MemoryUsedBytes + gpu.MemoryFreeBytes + gpu.MemoryReservedBytes);
        Assert.Equal(10, gpu.UtilizationPercent);
        Assert.Equal(5, gpu.MemoryUtilizationPercent);
        Assert.Equal(3, gpu.EncoderUtilizationPercent);
        Assert.Equal(4, gpu.DecoderUtilizationPercent);
        Assert.Equal(41, gpu.TemperatureCelsius);
        Assert.Equal(55, gpu.MemoryTemperatureCelsius);
        Assert.Equal(89, gpu.TemperatureSlowdownCelsius);
        Assert.Equal(92, gpu.TemperatureShutdownCelsius);
        Assert.Null(gpu.FanPercent);
        Assert.Equal(101.5, gpu.PowerWatts);
        Assert.Equal(400, gpu.PowerLimitWatts);
        Assert.Equal(123.456, gpu.EnergyJoules);
        Assert.Equal(1410, gpu.SmClockMegahertz);
        Assert.Equal(1215, gpu.MemoryClockMegahertz);
        Assert.Equal(1980, gpu.SmClockMaxMegahertz);
        Assert.Equal("HwSlowdown, HwThermalSlowdown", gpu.ThrottleReasons);
        Assert.Equal("", snapshot.Gpus[0].ThrottleReasons);
        Assert.Equal("P0", gpu.PerformanceState);
        Assert.True(gpu.IsEccEnabled);
        Assert.Equal(100, gpu.EccCorrectedVolatile);
        Assert.Equal(110, gpu.EccUncorrectedVolatile);
        Assert.Equal(101, gpu.EccCorrectedAggregate);
        Assert.Equal(111, gpu.EccUncorrectedAggregate);
        Assert.Equal(2, gpu.RetiredPagesSingleBit);
        Assert.Equal(0, gpu.RetiredPagesDoubleBit);
        Assert.False(gpu.IsRetirementPending);
        Assert.Equal(1, gpu.RemappedRowsCorrectable);
        Assert.True(gpu.IsRemappingPending);
        Assert.False(gpu.HasRemappingFailed);
        Assert.Equal(4, gpu.PcieGeneration);
        Assert.Equal(16, gpu.PcieWidth);
        Assert.Equal(1000 * 1024, gpu.PcieTransmitBytesPerSecond);
        Assert.Equal(2000 * 1024, gpu.PcieReceiveBytesPerSecond);
        Assert.False(gpu.IsMigEnabled);
        Assert.Null(gpu.MigDevices);
        Assert.Equal(0, gpu.XidCount);
        Assert.Null(gpu.Processes);
    }

    [LinuxFact("Its NVML is a stub that is compiled for Linux.")]
    public void Expensive_values_are_carried_over_to_cheap_samples()
    {
        using var stub = new NvmlStub("gpus 1");
        using var source = new NvmlSource("host", new MonitorOptions(), stub.LibraryPath);
        GpuStatus full = source.Sample(SampleDetail.Full).Gpus[0];
        stub.Play("gpus 1; temperature 0 77");
        GpuStatus cheap = source.Sample(SampleDetail.Cheap).Gpus[0];
        Assert.Equal(77, cheap.TemperatureCelsius);
        Assert.Equal(full.PcieTransmitBytesPerSecond, cheap.PcieTransmitBytesPerSecond);
        Assert.Equal(full.EccCorrectedAggregate, cheap.EccCorrectedAggregate);
    }

    [LinuxFact("Its NVML is a stub that is compiled for Linux.")]
    public void NVLink_traffic_is_a_rate_between_two_full_samples()
    {
        using var stub = new NvmlStub("gpus 1");
        var clock = new ManualTime();
        using var source = new NvmlSource("host", new MonitorOptions { TimeProvider = clock }, stub.LibraryPath);
        Assert.Null(source.Sample(SampleDetail.Full).Gpus[0].NvLinkTransmitBytesPerSecond);
        clock.Advance(TimeSpan.FromSeconds(2));

        // The stub's counter grows by 1024 KiB with each reading, of which a sample makes two.
        Assert.Equal(1 << 20, source.Sample(SampleDetail.Full).Gpus[0].NvLinkTransmitBytesPerSecond);
    }

    [LinuxFact("Its NVML is a stub that is compiled for Linux.")]
    public void What_a_device_does_not_support_is_null_and_the_rest_is_told()
    {
        using var stub = new NvmlStub("gpus 2; unsupported 1");
        using var source = new NvmlSource("host", new MonitorOptions(), stub.LibraryPath);
        GpuStatus gpu = source.Sample(SampleDetail.Full).Gpus[1];
        Assert.True(gpu.IsConnected);
        Assert.NotNull(gpu.MemoryTotalBytes);
        Assert.Null(gpu.UtilizationPercent);
        Assert.Null(gpu.PowerWatts);
        Assert.Null(gpu.ThrottleReasons);
        Assert.Null(gpu.PerformanceState);
        Assert.Null(gpu.IsEccEnabled);
        Assert.Null(gpu.IsMigEnabled);
        Assert.Null(gpu.XidCount);
    }

    [LinuxFact("Its NVML is a stub that is compiled for Linux.")]
    public void A_driver_that_lacks_newer_entry_points_tells_what_it_can()
    {
        using var stub = new NvmlStub("gpus 2; process 0 1 1073741824", old: true);
        using var source = new NvmlSource("host", new MonitorOptions { IncludeProcesses = true }, stub.LibraryPath);
        GpuStatus gpu = source.Sample(SampleDetail.Full).Gpus[0];
        Assert.Equal("384.183", gpu.DriverVersion);
        Assert.Equal(40 * Gibibyte, gpu.MemoryTotalBytes);
        Assert.Null(gpu.MemoryReservedBytes);
        Assert.Null(gpu.RemappedRowsCorrectable);
        Assert.Null(gpu.IsMigEnabled);
        Assert.Null(gpu.EnergyJoules);
        Assert.Equal("", gpu.ThrottleReasons);
        GpuProcess process = Assert.Single(gpu.Processes!);
        Assert.Equal(Gibibyte, process.MemoryUsedBytes);
        Assert.Null(process.GpuInstanceId);
    }

    [LinuxFact("Its NVML is a stub that is compiled for Linux.")]
    public void A_GPU_that_falls_off_the_bus_keeps_its_last_values_as_stale_and_hides_no_other()
    {
        using var stub = new NvmlStub("gpus 8");
        using var source = new NvmlSource("host", new MonitorOptions(), stub.LibraryPath);
        GpuStatus before = source.Sample(SampleDetail.Full).Gpus[3];
        stub.Play("gpus 8; lost 3");
        GpuSnapshot snapshot = source.Sample(SampleDetail.Cheap);
        GpuStatus lost = snapshot.Gpus[3];
        Assert.False(lost.IsConnected);
        Assert.Equal(before.Time, lost.StaleSince);
        Assert.Contains("lost", lost.Error, StringComparison.Ordinal);
        Assert.Equal(before.MemoryUsedBytes, lost.MemoryUsedBytes);
        Assert.All(snapshot.Gpus.Where(gpu => gpu.Index != 3), gpu => Assert.True(gpu.IsConnected));
    }

    [LinuxFact("Its NVML is a stub that is compiled for Linux.")]
    public void A_GPU_that_was_lost_before_the_start_is_told_as_not_connected()
    {
        using var stub = new NvmlStub("gpus 2; lost 0");
        using var source = new NvmlSource("host", new MonitorOptions(), stub.LibraryPath);
        GpuSnapshot snapshot = source.Sample(SampleDetail.Full);
        Assert.False(snapshot.Gpus[0].IsConnected);
        Assert.Equal(0, snapshot.Gpus[0].Index);
        Assert.True(snapshot.Gpus[1].IsConnected);
        Assert.Equal([null, "cuda:1"], snapshot.Gpus.Select(gpu => gpu.Device));
        stub.Play("gpus 2");
        Assert.Equal(["cuda:0", "cuda:1"], source.Sample(SampleDetail.Full).Gpus.Select(gpu => gpu.Device));
    }

    [LinuxFact("Its NVML is a stub that is compiled for Linux.")]
    public void An_XID_is_told_with_its_code_and_counted()
    {
        using var stub = new NvmlStub("gpus 4");
        using var source = new NvmlSource("host", new MonitorOptions(), stub.LibraryPath);
        source.Sample(SampleDetail.Full);
        stub.Play("gpus 4; xid 2 79");
        GpuStatus gpu = source.Sample(SampleDetail.Cheap).Gpus[2];

        // The event is collected before the scene's other calls; it may show one sample later.
        if (gpu.XidCount == 0)
            gpu = source.Sample(SampleDetail.Cheap).Gpus[2];

        Assert.Equal(79, gpu.LastXid);
        Assert.Equal(1, gpu.XidCount);
        Assert.NotNull(gpu.LastXidTime);
        Assert.Equal(0, source.Sample(SampleDetail.Cheap).Gpus[1].XidCount);
    }

    [LinuxFact("Its NVML is a stub that is compiled for Linux.")]
    public void MIG_instances_are_told_with_their_GPU()
    {
        using var stub = new NvmlStub("gpus 2; mig 1");
        using var source = new NvmlSource("host", new MonitorOptions(), stub.LibraryPath);
        GpuStatus gpu = source.Sample(SampleDetail.Full).Gpus[1];
        Assert.True(gpu.IsMigEnabled);
        Assert.Null(gpu.UtilizationPercent);
        Assert.Equal(2, gpu.MigDevices!.Count);
        Assert.Equal(20 * Gibibyte, gpu.MigDevices[1].MemoryTotalBytes);
        Assert.StartsWith("MIG-", gpu.MigDevices[1].Uuid, StringComparison.Ordinal);
        Assert.Equal(2, gpu.MigDevices[1].GpuInstanceId);
    }

    [LinuxFact("Its NVML is a stub that is compiled for Linux.")]
    public void Processes_are_told_with_user_command_and_start()
    {
        using var stub = new NvmlStub($"gpus 2; process 1 {Environment.ProcessId} 536870912; process 1 999999999 0");
        using var source = new NvmlSource("host", new MonitorOptions { IncludeProcesses = true }, stub.LibraryPath);
        GpuSnapshot snapshot = source.Sample(SampleDetail.Full);
        Assert.Empty(snapshot.Gpus[0].Processes!);
        GpuProcess own = snapshot.Gpus[1].Processes![0];
        Assert.Equal(Environment.ProcessId, own.ProcessId);
        Assert.Equal("Compute", own.Type);
        Assert.Equal(512L << 20, own.MemoryUsedBytes);
        Assert.Equal(Environment.UserName, own.User);
        Assert.Contains("dotnet", own.Command, StringComparison.Ordinal);
        Assert.InRange(own.StartTime!.Value, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddSeconds(2));

        // One that has ended, or of another PID namespace, and whose memory is not told.
        GpuProcess other = snapshot.Gpus[1].Processes![1];
        Assert.Null(other.User);
        Assert.Null(other.MemoryUsedBytes);
    }

    [LinuxFact("Its NVML is a stub that is compiled for Linux.")]
    public void More_processes_than_first_allowed_for_are_all_told()
    {
        using var stub = new NvmlStub("gpus 1; " + string.Join("; ", Enumerable.Range(1, 64).Select(pid => $"process 0 {999000000 + pid} 1")));
        using var source = new NvmlSource("host", new MonitorOptions { IncludeProcesses = true }, stub.LibraryPath);
        Assert.Equal(64, source.Sample(SampleDetail.Full).Gpus[0].Processes!.Count);
    }

    [LinuxFact("Its NVML is a stub that is compiled for Linux.")]
    public void A_host_without_NVML_is_told_so()
    {
        using var source = new NvmlSource("host", new MonitorOptions(), "/nowhere/libnvidia-ml.so.1");
        var error = Assert.Throws<NvmlException>(() => source.Sample(SampleDetail.Full));
        Assert.Equal("NvmlNotFound", error.ErrorId);
        Assert.True(error.IsAbsence);
        Assert.Contains("/nowhere/libnvidia-ml.so.1", error.Message, StringComparison.Ordinal);
    }

    [LinuxTheory("Its NVML is a stub that is compiled for Linux.")]
    [InlineData(9, "NvidiaDriverNotLoaded", true)]
    [InlineData(18, "NvmlVersionMismatch", true)]
    [InlineData(4, "NvmlNoPermission", false)]
    [InlineData(999, "NvmlFailed", false)]
    public void NVML_that_does_not_initialise_is_told_with_the_reason_and_left_clean(int code, string errorId, bool isAbsence)
    {
        using var stub = new NvmlStub($"init {code}");
        using var source = new NvmlSource("host", new MonitorOptions(), stub.LibraryPath);
        var error = Assert.Throws<NvmlException>(() => source.Sample(SampleDetail.Full));
        Assert.Equal(errorId, error.ErrorId);
        Assert.Equal(isAbsence, error.IsAbsence);
        Assert.Equal(0, stub.Initialised);
    }

    [LinuxFact("Its NVML is a stub that is compiled for Linux.")]
    public void NVML_without_a_GPU_is_an_empty_list()
    {
        using var stub = new NvmlStub("gpus 0");
        using var source = new NvmlSource("host", new MonitorOptions(), stub.LibraryPath);
        Assert.Empty(source.Sample(SampleDetail.Full).Gpus);
    }

    [LinuxFact("Its NVML is a stub that is compiled for Linux.")]
    public void A_GPU_that_appears_is_found_at_the_next_full_sample()
    {
        using var stub = new NvmlStub("gpus 1");
        using var source = new NvmlSource("host", new MonitorOptions(), stub.LibraryPath);
        Assert.Single(source.Sample(SampleDetail.Full).Gpus);
        stub.Play("gpus 2");
        Assert.Equal(2, source.Sample(SampleDetail.Full).Gpus.Count);
    }

    [LinuxFact("Its NVML is a stub that is compiled for Linux.")]
    public void A_monitor_whose_driver_hangs_stops_within_its_bound_and_ends_when_the_call_returns()
    {
        using var stub = new NvmlStub("gpus 2; hang nvmlDeviceGetUtilizationRates");
        var monitor = new GpuMonitor("host", new NvmlSource("host", new MonitorOptions(), stub.LibraryPath), new MonitorOptions { Timeout = TimeSpan.FromMilliseconds(100), Interval = TimeSpan.FromMilliseconds(50) });
        using var stale = new ManualResetEventSlim();
        monitor.Published += snapshot => stale.Set();
        monitor.Start();
        Assert.True(stale.Wait(TimeSpan.FromSeconds(30)));
        GpuStatus status = Assert.Single(monitor.Latest!.Gpus);
        Assert.False(status.IsConnected);
        Assert.Null(status.Index);
        Assert.Equal("NVML has not answered within 0.1 s.", status.Error);

        Assert.False(monitor.Stop(TimeSpan.FromMilliseconds(200)));
        Assert.Equal(MonitorState.StoppedWithCallAbandoned, monitor.Health.State);
        stub.Play("gpus 2");
        Assert.True(SpinWait.SpinUntil(() => monitor.Health.State == MonitorState.Stopped, TimeSpan.FromSeconds(30)));
        Assert.Equal(0, stub.Initialised);
    }
}
