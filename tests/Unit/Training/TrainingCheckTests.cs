using RobustTrain.Data;
using RobustTrain.Runs;
using RobustTrain.Tests.Host;
using RobustTrain.Training;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Tests.Training;

public sealed class TrainingCheckTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("robusttrain-test-").FullName;

    public TrainingCheckTests() => TinyPairs.Write(_folder);

    private TrainingConfig Config => new()
    {
        Threads = 1,
        Model = new ModelConfig { BaseChannels = 2 },
        Data = new DataConfig { Dataset = "change-pairs", Path = _folder, CropSize = 32 },
        Loader = new LoaderOptions { BatchSize = 2, NumWorkers = 1 },
    };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void It_reads_every_pair_and_says_how_far_it_is()
    {
        List<(int Done, int Total)> progress = [];
        TrainingCheck check = TrainingCheck.Of(Config, (done, total) => progress.Add((done, total)));
        Assert.Empty(check.Faults);
        Assert.Equal(2, check.Plan!.StepsPerEpoch);
        Assert.Equal(Enumerable.Range(1, 6).Select(done => (done, 6)), progress);
    }

    [Fact]
    public void More_process_workers_than_the_memory_holds_are_not_even_started()
    {
        TrainingConfig many = Config with { Loader = Config.Loader with { NumWorkers = 1000, WorkerKind = WorkerKind.Process } };
        RunException fault = Assert.IsType<RunException>(Assert.Single(TrainingCheck.Of(many, availableBytes: 1L << 30).Faults));
        Assert.Equal(("WorkersNotStarted", "loader.num_workers"), (fault.ErrorId, fault.Target));
        Assert.Contains("need 16000 MiB of memory at the least, and 1024 MiB are available", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_network_that_does_not_fit_and_a_device_that_is_not_there_are_both_found()
    {
        TrainingConfig wrong = Config with { Device = "cuda:77", Model = Config.Model with { InChannels = 1 } };
        Assert.Equal(
            ["DeviceNotFound", "ModelChannels", "ModelChannels", "ModelChannels"],
            TrainingCheck.Of(wrong).Faults.Select(fault => ((RunException)fault).ErrorId));
    }
}
