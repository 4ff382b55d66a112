using System.Text.Json;
using FsCheck.Xunit;
using RobustTrain.Runs;
using RobustTrain.Training;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Tasks.ClassLabels.Metrics;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training;

/// <summary>The scores against Python's sets of pixels (fixtures/make_fixtures.py), and its laws.</summary>
public sealed class SegmentationScoresTests
{
    private static readonly JsonElement[] Cases = [.. JsonDocument
        .Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Training", "fixtures", "metrics.json")))
        .RootElement.EnumerateArray()];

    public static TheoryData<int> CaseNumbers => [.. Enumerable.Range(0, Cases.Length)];

    [Theory]
    [MemberData(nameof(CaseNumbers))]
    public void Aggregated_scores_equal_the_reference(int number)
    {
        ConfusionMatrix total = new(Cases[number].GetProperty("classes").GetInt32());
        foreach (SampleConfusion sample in Counted(Cases[number]))
            total.Add(sample.Confusion);

        AssertScores(Cases[number].GetProperty("aggregated"), SegmentationScores.Of(total));
    }

    [Theory]
    [MemberData(nameof(CaseNumbers))]
    public void Scores_of_each_sample_equal_the_reference_under_its_name(int number)
    {
        IReadOnlyList<SampleConfusion> samples = Counted(Cases[number]);

        JsonElement[] expected = [.. Cases[number].GetProperty("per_datapoint").EnumerateArray()];
        Assert.Equal(expected.Length, samples.Count);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal($"sample {i}", samples[i].Name);
            AssertScores(expected[i], samples[i].Scores);
        }
    }

    [Fact]
    public void Named_scores_of_two_classes_are_those_of_the_change()
    {
        SegmentationScores scores = SegmentationScores.Of(new ConfusionMatrix(2, [50, 10, 20, 20]));

        Assert.Equal(40.0 / 70, scores.Find("f1"));
        Assert.Equal(20.0 / 50, scores.Find("iou"));
        Assert.Equal(20.0 / 30, scores.Find("precision"));
        Assert.Equal(20.0 / 40, scores.Find("recall"));
        Assert.Equal(70.0 / 100, scores.Find("accuracy"));
        Assert.Equal(((50.0 / 80) + (20.0 / 50)) / 2, scores.Find("mean_iou"));
    }

    [Fact]
    public void Named_scores_of_more_classes_are_the_means()
    {
        SegmentationScores scores = SegmentationScores.Of(new ConfusionMatrix(3, [5, 1, 0, 2, 3, 1, 0, 0, 4]));

        Assert.Equal(scores.MeanF1, scores.Find("f1"));
        Assert.Equal(scores.MeanIou, scores.Find("iou"));
        Assert.Equal(scores.MeanPrecision, scores.Find("precision"));
        Assert.Equal(scores.MeanRecall, scores.Find("recall"));
    }

    [Fact]
    public void The_configuration_allows_the_scores_that_exist()
    {
        var allowed = (System.ComponentModel.DataAnnotations.AllowedValuesAttribute)Attribute.GetCustomAttribute(
            typeof(TrainerConfig).GetProperty(nameof(TrainerConfig.BestMetric))!,
            typeof(System.ComponentModel.DataAnnotations.AllowedValuesAttribute))!;

        Assert.Equal(TaskCatalog.Tasks.SelectMany(task => task.Scores).Select(score => score.Name).Distinct(), allowed.Values.Cast<string>());
        Assert.Subset(allowed.Values.Cast<string>().ToHashSet(), SegmentationScores.Names.ToHashSet());
    }

    [Fact]
    public void Scores_with_nothing_to_score_are_left_out_by_name()
    {
        SegmentationScores scores = SegmentationScores.Of(new ConfusionMatrix(2, [9, 0, 0, 0]));

        Assert.Null(scores.Find("f1"));
        Assert.Equal(1, scores.Find("mean_f1"));
        Assert.Equal(["accuracy", "mean_f1", "mean_iou", "mean_precision", "mean_recall"], scores.Named().Keys);
    }

    [Fact]
    public void An_unknown_score_is_answered_with_those_that_exist()
    {
        RunException error = Assert.Throws<RunException>(() => SegmentationScores.Of(new ConfusionMatrix(2)).Find("dice"));

        Assert.Equal("There is no score 'dice'; the scores are f1, iou, precision, recall, accuracy, mean_f1, mean_iou, mean_precision, mean_recall.", error.Message);
    }

    [Fact]
    public void A_label_that_is_no_class_names_its_sample()
    {
        Tensor labels = zeros([2, 2, 2], dtype: ScalarType.Int64);
        labels[1, 0, 1] = 7;

        RunException error = Assert.Throws<RunException>(() => SampleConfusion.Count(zeros(2, 2, 2, 2), labels, ["good", "bad"], 2, 255));

        Assert.Equal("The label of bad holds the value 7, but must hold classes from 0 to 1, or 255 where nothing is known.", error.Message);
        Assert.Equal(ExitCode.Data, error.ExitCode);
    }

    [Fact]
    public void Shapes_that_do_not_belong_together_are_refused()
    {
        Tensor labels = zeros([2, 4, 4], dtype: ScalarType.Int64);

        Assert.Throws<ArgumentException>(() => SampleConfusion.Count(zeros(2, 3, 4, 4), labels, ["a", "b"], 2, 255));
        Assert.Throws<ArgumentException>(() => SampleConfusion.Count(zeros(2, 2, 4, 5), labels, ["a", "b"], 2, 255));
        Assert.Throws<ArgumentException>(() => SampleConfusion.Count(zeros(2, 2, 4, 4), labels, ["a"], 2, 255));
    }

    [Property]
    public void F1_is_a_function_of_the_iou(uint hits, uint misses, uint falseAlarms)
    {
        SegmentationScores scores = SegmentationScores.Of(new ConfusionMatrix(2, [7, falseAlarms, misses, hits + 1L]));

        double iou = scores.Find("iou")!.Value;
        Assert.Equal(2 * iou / (1 + iou), scores.Find("f1")!.Value, 12);
    }

    private static IReadOnlyList<SampleConfusion> Counted(JsonElement given)
    {
        int classes = given.GetProperty("classes").GetInt32();
        int side = given.GetProperty("side").GetInt32();
        long[][] labels = [.. given.GetProperty("labels").EnumerateArray().Select(Longs)];
        long[][] predictions = [.. given.GetProperty("predictions").EnumerateArray().Select(Longs)];
        Tensor truth = tensor(labels.SelectMany(sample => sample).ToArray()).reshape(labels.Length, side, side);
        Tensor predicted = tensor(predictions.SelectMany(sample => sample).ToArray()).reshape(labels.Length, side, side);
        Tensor logits = nn.functional.one_hot(predicted, classes).permute(0, 3, 1, 2).to(ScalarType.Float32);

        return SampleConfusion.Count(logits, truth, [.. Enumerable.Range(0, labels.Length).Select(i => $"sample {i}")], classes, 255);
    }

    private static long[] Longs(JsonElement numbers) => [.. numbers.EnumerateArray().Select(number => number.GetInt64())];

    private static void AssertScores(JsonElement expected, SegmentationScores actual)
    {
        JsonElement byClass = expected.GetProperty("class");
        for (int c = 0; c < actual.Classes.Count; c++)
        {
            AssertScore(byClass.GetProperty("iou")[c], actual.Classes[c].Iou);
            AssertScore(byClass.GetProperty("accuracy")[c], actual.Classes[c].Accuracy);
            AssertScore(byClass.GetProperty("precision")[c], actual.Classes[c].Precision);
            AssertScore(byClass.GetProperty("recall")[c], actual.Classes[c].Recall);
            AssertScore(byClass.GetProperty("f1")[c], actual.Classes[c].F1);
        }

        foreach (string name in (string[])["accuracy", "mean_iou", "mean_precision", "mean_recall", "mean_f1"])
            AssertScore(expected.GetProperty(name), actual.Find(name));
    }

    private static void AssertScore(JsonElement expected, double? actual)
    {
        if (expected.ValueKind == JsonValueKind.Null)
        {
            Assert.Null(actual);
            return;
        }

        Assert.NotNull(actual);
        Assert.Equal(expected.GetDouble(), actual.Value, 12);
    }
}
