using RobustTrain.Host.Output;
using RobustTrain.Host.Progress;
using RobustTrain.Monitoring.Status;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Tests.Monitoring;

namespace RobustTrain.Tests.Host;

public sealed class SystemSamplingTests
{
    private static readonly StepFinished s_step = new(0, 1, 7, 0.5, 0.1, 10, 0.6);
    private readonly ManualTime _clock = new();

    [Fact]
    public void A_step_gets_the_hosts_figures_beside_it_and_the_next_only_after_ten_seconds()
    {
        SystemSampling sampling = new(() => Status(isConnected: true), _clock);
        SystemSample sample = sampling.Beside(s_step)!;
        Assert.Equal((7, 0.6, 100L, 200L), (sample.GlobalStep, sample.DataWaitShare, sample.MemoryUsedBytes!.Value, sample.MemoryTotalBytes!.Value));
        Assert.Equal(1, Assert.Single(sample.Gpus).Index);
        Assert.Null(sampling.Beside(s_step));
        _clock.Advance(SystemSampling.Spacing);
        Assert.NotNull(sampling.Beside(s_step));
        Assert.Null(sampling.Beside(new EpochStarted(1, 0.1)));
    }

    [Fact]
    public void Stale_values_are_left_out_and_nothing_is_told_before_there_is_anything()
    {
        Assert.Empty(new SystemSampling(() => Status(isConnected: false), _clock).Beside(s_step)!.Gpus);
        Assert.Null(new SystemSampling(() => new SystemStatus("host", null, []), _clock).Beside(s_step));
    }

    [Fact]
    public void People_see_at_once_what_a_run_waits_for()
    {
        SystemSample sample = new(7, 0.6, 35.2, 1, 2, [new GpuSample(0, "GPU-0", 20.4, 1, 2, 50, 100), new GpuSample(1, "GPU-1", null, 1, 2, 50, 100)]);
        TrainingView view = new TrainingView().After(s_step, 0).After(sample, 0);
        Assert.Contains("waiting for data 60 %  CPU at 35 %  GPU 0 at 20 %  ", EventText.Step(view, TimeProvider.System), StringComparison.Ordinal);
    }

    [Fact]
    public void People_see_at_once_for_which_rank_the_others_wait()
    {
        RanksMeasured measured = new(0, 7, Slowest: 1, [new(0, "gpu01", 10, 2, 0, 2), new(1, "gpu02", 10, 4, 0, 0)]);
        TrainingView view = new TrainingView().After(s_step, 0).After(measured, 0);
        Assert.Contains("  slowest of 2 ranks: 1 on gpu02, 2.00 times the others' mean  ", EventText.Step(view, TimeProvider.System), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_training_tells_its_host_in_its_journal()
    {
        using TemporaryFolder folder = new();
        TinyPairs.Write(folder.At("data"));
        HostRun run = await HostRun.To(
            folder.Path,
            "train", "--run-path", "run", "--set", "data.path=data", "--set", "data.dataset=change-pairs", "--set", "data.crop_size=32", "--set", "loader.batch_size=2",
            "--set", "loader.num_workers=1", "--set", "model.base_channels=2", "--set", "trainer.epochs=20", "--set", "trainer.log_interval_seconds=0", "--set", "threads=1");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        SystemSample sample = RunJournalReader.ReadAll(RunFolder.JournalPathOf(folder.At("run"))).OfType<SystemSample>().First();
        Assert.InRange(sample.MemoryUsedBytes!.Value, 1, sample.MemoryTotalBytes!.Value);
    }

    private static SystemStatus Status(bool isConnected) => new(
        "host",
        new CpuStatus { ComputerName = "host", Time = default, MemoryUsedBytes = 100, MemoryTotalBytes = 200 },
        [new GpuStatus { ComputerName = "host", Time = default, Index = 1, IsConnected = isConnected }]);
}
