using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Sources;
using RobustTrain.Monitoring.Sources.NvidiaSmi;
using RobustTrain.Monitoring.Status;
using RobustTrain.Platform;

namespace RobustTrain.Tests.Monitoring;

/// <summary>The program itself is called, a stand-in in a folder of its own that is first on the path.</summary>
[Collection("monitors, whose threads and children are counted")]
public sealed class NvidiaSmiSourceTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("nvidia-smi").FullName;
    private readonly string? path = Environment.GetEnvironmentVariable("PATH");
    private readonly ChildGuard guard = new();

    public NvidiaSmiSourceTests()
    {
        TestFiles.CopyFolder(Path.Combine(TestFiles.Root, "tests/nvidia-smi-stub"), folder);
        Environment.SetEnvironmentVariable("PATH", $"{folder}:{path}");
    }

    public void Dispose()
    {
        Environment.SetEnvironmentVariable("PATH", path);
        guard.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [LinuxFact("Its nvidia-smi is a shell script.")]
    public void A_GPU_keeps_its_index_when_another_one_is_lost_and_the_lost_one_is_told()
    {
        using NvidiaSmiSource source = Source("570-lost");
        foreach (SampleDetail detail in (SampleDetail[])[SampleDetail.Full, SampleDetail.Cheap])
        {
            IReadOnlyList<GpuStatus> gpus = source.Sample(detail).Gpus;
            Assert.Equal([0, 1, 2], gpus.Select(gpu => gpu.Index));
            Assert.Equal([false, true, false], gpus.Select(gpu => gpu.IsConnected));
            Assert.Equal([null, "cuda:1", null], gpus.Select(gpu => gpu.Device));
            Assert.Equal("GPU-5700-1", gpus[1].Uuid);
        }
    }

    [LinuxFact("Its nvidia-smi is a shell script.")]
    public void All_GPUs_that_are_attached_need_one_query_only()
    {
        File.Delete(Path.Combine(folder, "generations/580-mig.csv"));
        using NvidiaSmiSource source = Source("580-mig");
        Assert.Equal("cuda:0", Assert.Single(source.Sample(SampleDetail.Full).Gpus).Device);
    }

    [LinuxTheory("Its nvidia-smi is a shell script.")]
    [InlineData("crash", "nvidia-smi of host crashed (exit code 139: signal 11 ended it).")]
    [InlineData("no-driver", "nvidia-smi of host: could not reach the NVIDIA driver.")]
    public void A_failure_is_told_for_what_it_is(string generation, string message)
    {
        using NvidiaSmiSource source = Source(generation);
        Assert.Equal(message, Assert.Throws<MonitorException>(() => source.Sample(SampleDetail.Full)).Message);
    }

    [LinuxFact("Its nvidia-smi is a shell script.")]
    public void An_interrupt_that_comes_before_the_program_runs_ends_it_and_no_later_one()
    {
        using NvidiaSmiSource source = Source("hang");
        source.Interrupt();
        Assert.Throws<MonitorException>(() => source.Sample(SampleDetail.Full));
        File.WriteAllText(Path.Combine(folder, "generation"), "550");
        Assert.NotEmpty(source.Sample(SampleDetail.Full).Gpus);
    }

    private NvidiaSmiSource Source(string generation)
    {
        File.WriteAllText(Path.Combine(folder, "generation"), generation);
        return new NvidiaSmiSource("host", new MonitorOptions(), guard);
    }
}
