using RobustTrain.Configuration;
using RobustTrain.Runs;
using RobustTrain.Tests.Data;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Loop;

namespace RobustTrain.Tests.Training;

/// <summary>Where a configuration's decoded images may be kept.</summary>
public sealed class CacheConfigTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public CacheConfigTests()
    {
        foreach (string split in new[] { "train", "val", "test" })
        {
            foreach (string folder in new[] { "A", "B", "label" })
                _folder.Write($"data/{split}/{folder}/1.bmp", TestImage.Grey(32, 32, (x, _) => x % 2));
        }
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("'data.cache.memory_share' is 0.5, but 'loader.worker_kind' is process, and processes don't share that memory; 'data.cache.path' keeps images for all of them.", "data.cache.memory_share=0.5", "loader.worker_kind=process", "loader.num_workers=2")]
    [InlineData("'data.cache' is given, but air-change keeps its twelve scenes in memory by itself.", "data.dataset=air-change", "data.crop_size=112", "data.cache.path=c")]
    [InlineData("data.cache.memory_share", "data.cache.memory_share=1.5")]
    public void What_cannot_be_kept_is_refused(string said, params string[] settings) =>
        Assert.Contains(said, Assert.Throws<ConfigurationException>(() => Read(settings)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_file_in_the_place_of_the_folder_is_refused_before_anything_is_made()
    {
        _folder.Write("taken", [1]);
        RunException refused = Assert.Throws<RunException>(() => TrainingPlan.Create(Read($"data.cache.path={_folder.At("taken")}")));
        Assert.Equal(("CachePathIsFile", ExitCode.Configuration, $"data.cache.path is '{_folder.At("taken")}', which is a file; a folder is expected."), (refused.ErrorId, refused.ExitCode, refused.Message));
    }

    [Fact]
    public void Both_may_be_given_with_threads_and_the_folder_with_processes()
    {
        TrainingPlan.Create(Read("data.cache.memory_share=0.1", $"data.cache.path={_folder.At("cache")}"));
        TrainingPlan.Create(Read($"data.cache.path={_folder.At("cache")}", "loader.worker_kind=process", "loader.num_workers=1"));
        Assert.False(Directory.Exists(_folder.At("cache")));
    }

    private TrainingConfig Read(params string[] settings) =>
        ConfigurationReader.Read<TrainingConfig>(null, [$"data.path={_folder.At("data")}", "data.dataset=change-pairs", "data.crop_size=16", "loader.batch_size=1", .. settings]);
}
