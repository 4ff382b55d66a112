using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Datasets.AirChange;
using RobustTrain.Data.Datasets.ChangePairs;
using RobustTrain.SampleData;
using RobustTrain.Tests.Data;

namespace RobustTrain.Tests.SampleData;

public sealed class SampleDataTests(SampleScenes data) : IClassFixture<SampleScenes>
{
    [Fact]
    public void The_same_seed_makes_the_same_scenes_and_differencing_fails_on_them()
    {
        using TemporaryFolder folder = new();
        string again = folder.At("again");
        List<string> told = [];
        SampleDatasetGenerator.Write(new SampleDatasetOptions { Path = again, Seed = 0 }, progress => told.Add(progress.Scene));
        Assert.Equal(AirChangeLayout.SceneNames, told);
        foreach (string scene in AirChangeLayout.SceneNames)
            Assert.Equal(File.ReadAllBytes(Path.Combine(data.Path, scene, "im1.bmp")), File.ReadAllBytes(Path.Combine(again, scene, "im1.bmp")));
        using AirChangeDataset test = new(new AirChangeOptions { Path = data.Path, Split = DatasetSplit.Test });
        DifferencingScore score = DifferencingBaseline.Measure(test, test.Options.Std);
        Assert.InRange(score.BestF1, 0.1, 0.5);
        Assert.InRange(score.ChangedShare, 0.03, 0.1);
    }

    [Fact]
    public void Differencing_is_perfect_where_only_changes_differ()
    {
        using TemporaryFolder folder = new();
        folder.Write("A/test_1.bmp", TestImage.Grey(20, 16, (_, _) => 50));
        folder.Write("B/test_1.bmp", TestImage.Grey(20, 16, (x, _) => x < 5 ? 90 : 55));
        folder.Write("label/test_1.bmp", TestImage.Grey(20, 16, (x, _) => x < 5 ? 255 : 0));
        using ChangePairsDataset dataset = new(new ChangePairsOptions { Path = folder.Path, Split = DatasetSplit.Test });
        DifferencingScore score = DifferencingBaseline.Measure(dataset, dataset.Options.Std);
        Assert.Equal((1.0, 0.25), (score.BestF1, score.ChangedShare));
    }

    [Theory]
    [InlineData("segmentation", 2 * 12 * 12)]
    [InlineData("classification", 7 * (120 + 24 + 24))]
    public void The_same_seed_makes_the_same_bytes_for_each_task(string task, int files)
    {
        using TemporaryFolder folder = new();
        foreach (string name in (string[])["first", "again"])
            SampleDatasetGenerator.Write(new SampleDatasetOptions { Path = folder.At(name), Task = task, Seed = 4 });
        string[] made = [.. Directory.EnumerateFiles(folder.At("first"), "*.png", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder.At("first"), file)).Order(StringComparer.Ordinal)];
        Assert.Equal(files, made.Length);
        foreach (string file in made.Where((_, place) => place % 7 == 0))
            Assert.Equal(File.ReadAllBytes(folder.At($"first/{file}")), File.ReadAllBytes(folder.At($"again/{file}")));
        string[] images = [.. made.Where(file => !file.Contains("labels", StringComparison.Ordinal))];
        Assert.Equal(images.Length, images.Select(file => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(folder.At($"first/{file}"))))).Distinct().Count());
    }

    [Fact]
    public void Sample_data_is_never_written_over_anything()
    {
        using TemporaryFolder folder = new();
        folder.Write("mine.txt", [1]);
        Assert.Contains("is not empty", Assert.Throws<DatasetException>(() => SampleDatasetGenerator.Write(new SampleDatasetOptions { Path = folder.Path })).Message, StringComparison.Ordinal);
        Assert.Contains("is a file", Assert.Throws<DatasetException>(() => SampleDatasetGenerator.Write(new SampleDatasetOptions { Path = folder.At("mine.txt") })).Message, StringComparison.Ordinal);
        Assert.Equal([folder.At("mine.txt")], Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void Sample_data_that_is_stopped_leaves_nothing_behind()
    {
        using TemporaryFolder folder = new();
        using CancellationTokenSource stopping = new();
        Assert.Throws<OperationCanceledException>(() => SampleDatasetGenerator.Write(
            new SampleDatasetOptions { Path = folder.At("new") },
            _ => stopping.Cancel(),
            stopping.Token));
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }
}
