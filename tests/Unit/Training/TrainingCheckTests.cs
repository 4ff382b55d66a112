using RobustTrain.Configuration;
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
    public void The_data_of_a_stage_are_read_too()
    {
        string other = Directory.CreateTempSubdirectory("robusttrain-test-").FullName;
        try
        {
            TinyPairs.Write(other);
            string torn = Path.Combine(other, "B", "train_1.bmp");
            using (FileStream file = File.OpenWrite(torn))
                file.SetLength(file.Length / 2);
            TrainingConfig staged = ConfigurationReader.With(Config, [$"stages.epoch-2={{criterion.name: dice}}", $"stages.epoch-4.data.path={ConfigurationWriter.Quote(other)}"]);

            List<int> totals = [];
            TrainingCheck check = TrainingCheck.Of(staged, (_, total) => totals.Add(total));

            SampleException fault = Assert.IsType<SampleException>(Assert.Single(check.Faults));
            Assert.Equal(torn, fault.Path);
            Assert.StartsWith("In stages.epoch-4: ", fault.Message, StringComparison.Ordinal);
            Assert.Equal(Enumerable.Repeat(12, 12), totals);
        }
        finally
        {
            Directory.Delete(other, recursive: true);
        }
    }

    [Fact]
    public void What_is_wrong_with_files_that_a_stage_cuts_otherwise_is_said_once()
    {
        using (FileStream file = File.OpenWrite(Path.Combine(_folder, "A", "train_1.bmp")))
            file.SetLength(file.Length / 2);
        Assert.Single(TrainingCheck.Of(ConfigurationReader.With(Config, ["stages.epoch-4.data.crop_size=16"])).Faults);
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
