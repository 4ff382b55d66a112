using RobustTrain.Configuration;
using RobustTrain.SampleData;
using RobustTrain.Tests.Data;
using RobustTrain.Tests.Host;
using RobustTrain.Training;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Loop;

namespace RobustTrain.Tests.Training;

/// <summary>The configurations that people begin with fit the data that they are for.</summary>
[Collection(TorchCollection.Name)]
public sealed class SamplesTests(SampleScenes data) : IClassFixture<SampleScenes>
{
    public static TheoryData<string> Samples => [.. Directory.EnumerateFiles(Folder(), "*.yaml").Select(path => Path.GetFileName(path)).Order()];

    [Theory]
    [MemberData(nameof(Samples))]
    public void Every_sample_can_be_trained_on_the_data_it_is_for(string sample)
    {
        string path = Path.Combine(Folder(), sample);
        TrainingConfig config = ConfigurationReader.Read<TrainingConfig>(path, ["data.path=/data"]);
        using TemporaryFolder pairs = new();
        if (config.Data.Dataset == "change-pairs")
            TinyPairs.Write(pairs.Path, side: 256);
        else if (config.Task != "change-detection")
            SampleDatasetGenerator.Write(new SampleDatasetOptions { Path = pairs.Path, Task = config.Task });
        string folder = config.Data.Dataset == "air-change" ? data.Path : pairs.Path;

        TrainingPlan plan = TrainingPlan.Create(ConfigurationReader.Read<TrainingConfig>(path, [$"data.path={folder}", "device=cpu", "trainer.start_from=null"]));
        Assert.True(plan.StepsPerEpoch > 0);
        if (config.Trainer.StartFrom is { } weights)
            Assert.Equal(config.Model, ConfigurationReader.Read<TrainingConfig>(Path.Combine(Folder(), Path.GetFileName(weights) + ".yaml"), []).Model);
    }

    [Fact]
    public void The_run_of_the_seed_is_as_its_configuration_says()
    {
        TrainingConfig config = ConfigurationReader.Read<TrainingConfig>(Path.Combine(Folder(), "hanet-airchange.yaml"), [$"data.path={data.Path}"]);
        Assert.Equal(("hanet", 40, 100, 4), (config.Model.Name, config.Model.BaseChannels, config.Trainer.Epochs, config.Loader.BatchSize));
        Assert.Equal(("focal-dice", "given", 0.0), (config.Criterion.Name, config.Criterion.Weighting, config.Criterion.Gamma));
        Assert.Equal(("sgd", 0.001, 0.9, 0.0001), (config.Optimizer.Name, config.Optimizer.LearningRate, config.Optimizer.Momentum, config.Optimizer.WeightDecay));
        Assert.Equal(("polynomial", 0.9, 0), (config.Schedule.Name, config.Schedule.Power, config.Schedule.WarmupSteps));
        Assert.Equal((100, 2467932L, 89664105L), (config.EpochSeeds!.Count, config.EpochSeeds[0], config.EpochSeeds[^1]));

        TrainingPlan plan = TrainingPlan.Create(config);
        Assert.Equal([3, 256, 256], plan.Data.Training.Fields[0].Shape);
        Assert.Equal(10 * 312 / 4, plan.StepsPerEpoch);
    }

    private static string Folder()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "RobustTrain.sln")))
            folder = folder.Parent;
        return Path.Combine(folder?.FullName ?? throw new DirectoryNotFoundException("The tests don't lie in the repository."), "samples");
    }
}
