using RobustTrain.Monitoring.Status;

namespace RobustTrain.Tests.Monitoring;

public sealed class IdleGpuTests
{
    private const long Gibibyte = 1L << 30;

    private static readonly GpuStatus Free = new()
    {
        ComputerName = "host",
        Time = default,
        Index = 0,
        Device = "cuda:0",
        UtilizationPercent = 49,
        MemoryTotalBytes = 80 * Gibibyte,
        MemoryFreeBytes = 40 * Gibibyte,
    };

    [Fact]
    public void A_GPU_below_the_utilisation_and_with_half_of_its_memory_free_is_idle() => Assert.Null(new IdleGpu().WhyNot(Free));

    [Fact]
    public void What_is_lost_or_not_told_is_never_idle()
    {
        Assert.Equal("is not connected", new IdleGpu { MemoryFreeBytes = 0 }.WhyNot(Free with { IsConnected = false }));
        Assert.Equal("does not tell its utilisation", new IdleGpu().WhyNot(Free with { UtilizationPercent = null }));
        Assert.Equal("does not tell its free memory", new IdleGpu { MemoryFreeBytes = 0 }.WhyNot(Free with { MemoryFreeBytes = null }));
        Assert.Equal("does not tell its free memory", new IdleGpu().WhyNot(Free with { MemoryTotalBytes = null }));
    }

    [Fact]
    public void The_limits_are_those_that_were_asked_for()
    {
        Assert.Equal("is used at 50 %", new IdleGpu().WhyNot(Free with { UtilizationPercent = 50 }));
        Assert.Equal("is used at 49 %", new IdleGpu { UtilizationBelow = 10 }.WhyNot(Free));
        Assert.Equal("has 39.9 GiB free", new IdleGpu().WhyNot(Free with { MemoryFreeBytes = (long)(39.9 * Gibibyte) }));
        Assert.Null(new IdleGpu { MemoryFreeBytes = 40 * Gibibyte }.WhyNot(Free));
        Assert.Equal("has 40 GiB free", new IdleGpu { MemoryFreeBytes = (40 * Gibibyte) + 1 }.WhyNot(Free));
        Assert.Null(new IdleGpu { MemoryFreeBytes = 0 }.WhyNot(Free with { MemoryTotalBytes = null, MemoryFreeBytes = 0 }));
    }

    [Fact]
    public void A_GPU_that_a_training_here_cannot_use_is_left_out_where_one_is_needed()
    {
        Assert.Null(new IdleGpu().WhyNot(Free with { Device = null }));
        Assert.Equal("is no device under CUDA_VISIBLE_DEVICES and CUDA_DEVICE_ORDER", new IdleGpu { IsDeviceNeeded = true }.WhyNot(Free with { Device = null }));
    }

    [Fact]
    public void The_one_with_the_most_free_memory_comes_first()
    {
        GpuStatus more = Free with { Index = 3, MemoryFreeBytes = 60 * Gibibyte }, busier = Free with { Index = 1 }, same = Free with { Index = 2, UtilizationPercent = 3 };
        Assert.Equal([3, 2, 0, 1], IdleGpu.Order([busier, Free, same, more]).Select(gpu => gpu.Index));
    }
}
