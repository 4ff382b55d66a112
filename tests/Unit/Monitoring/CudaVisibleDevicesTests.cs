using RobustTrain.Monitoring.Status;

namespace RobustTrain.Tests.Monitoring;

public sealed class CudaVisibleDevicesTests
{
    /// <summary>Three GPUs, of which the last is divided into two MIG instances; what is expected are their devices and the instances', by place.</summary>
    [Theory]
    [InlineData(null, "cuda:0 cuda:1 cuda:2 - -")]
    [InlineData("1", "- cuda:0 - - -")]
    [InlineData("2,0", "cuda:1 - cuda:0 - -")]
    [InlineData(" 2 , 0 ", "cuda:1 - cuda:0 - -")]
    [InlineData("", "- - - - -")]
    [InlineData("-1", "- - - - -")]
    [InlineData("NoDevFiles", "- - - - -")]
    [InlineData("0,-1,1", "cuda:0 - - - -")]
    [InlineData("0,3,1", "cuda:0 - - - -")]
    [InlineData("1,1", "- - - - -")]
    [InlineData("0,GPU-bb", "cuda:0 - - - -")]
    [InlineData("GPU-bb-1", "- cuda:0 - - -")]
    [InlineData("gpu-CC,GPU-aa", "cuda:1 - cuda:0 - -")]
    [InlineData("GPU-bb,0", "- cuda:0 - - -")]
    [InlineData("GPU-bb,GPU-zz,GPU-aa", "- cuda:0 - - -")]
    [InlineData("GPU-,GPU-aa", "- - - - -")]
    [InlineData("GPU-bb,GPU-bb-1", "- - - - -")]
    [InlineData("MIG-2", "- - - - cuda:0")]
    [InlineData("MIG-1,MIG-2", "- - - cuda:0 -")]
    public void A_device_is_the_place_in_the_list_and_a_GPU_that_is_left_out_has_none(string? visible, string expected)
    {
        GpuStatus[] named = new CudaVisibleDevices(visible, order: null).Name(Gpus());
        Assert.Equal(expected, string.Join(' ', named.Select(gpu => gpu.Device).Concat(named[2].MigDevices!.Select(mig => mig.Device)).Select(device => device ?? "-")));
    }

    [Fact]
    public void A_GPU_that_is_lost_is_no_device_and_shifts_no_other()
    {
        GpuStatus[] gpus = Gpus();
        gpus[1] = gpus[1] with { IsConnected = false };
        Assert.Equal(["cuda:0", null, "cuda:2"], new CudaVisibleDevices(null, order: null).Name(gpus).Select(gpu => gpu.Device));
        Assert.Equal(["cuda:2", null, "cuda:0"], new CudaVisibleDevices("2,1,0", order: null).Name(gpus).Select(gpu => gpu.Device));
    }

    [Fact]
    public void By_an_order_that_CUDA_does_not_tell_only_UUIDs_name_a_device()
    {
        Assert.Equal([null, null, null], new CudaVisibleDevices(null, "FASTEST_FIRST").Name(Gpus()).Select(gpu => gpu.Device));
        Assert.Equal([null, null, "cuda:0"], new CudaVisibleDevices("GPU-cc", "FASTEST_FIRST").Name(Gpus()).Select(gpu => gpu.Device));
        Assert.Equal("cuda:0", Assert.Single(new CudaVisibleDevices(null, "FASTEST_FIRST").Name(Gpus()[..1])).Device);
        Assert.Equal("cuda:1", new CudaVisibleDevices(null, "PCI_BUS_ID").Name(Gpus())[1].Device);
    }

    [Theory]
    [InlineData(null, 3)]
    [InlineData("2,0", 2)]
    [InlineData("", 0)]
    [InlineData("GPU-a,GPU-b", 2)]
    [InlineData("5", 0)]
    public void As_many_devices_are_offered_as_are_visible(string? visible, int count) => Assert.Equal(count, new CudaVisibleDevices(visible, order: null).Count(3));

    [Fact]
    public void A_host_without_GPUs_has_no_devices() => Assert.Empty(new CudaVisibleDevices("0", order: null).Name([]));

    private static GpuStatus[] Gpus() => [.. new[] { "GPU-aa-0", "GPU-bb-1", "GPU-cc-2" }.Select((uuid, index) => new GpuStatus
    {
        ComputerName = "host",
        Time = default,
        Index = index,
        Uuid = uuid,
        MigDevices = index == 2 ? [new MigDevice { Index = 0, Uuid = "MIG-1" }, new MigDevice { Index = 1, Uuid = "MIG-2" }] : null,
    })];
}
