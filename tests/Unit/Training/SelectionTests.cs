using RobustTrain.Runs;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Evaluation;
using RobustTrain.Training.Tasks;
using RobustTrain.Training.Tasks.ClassLabels.Metrics;

namespace RobustTrain.Tests.Training;

public sealed class SelectionTests
{
    private static readonly ComparedScore[] Two =
        [new("f1", ScoreDirection.HigherIsBetter, 1), new("loss", ScoreDirection.LowerIsBetter, 0.5)];

    [Theory]
    [InlineData(0.6, 1.0, true)]
    [InlineData(0.5, 0.9, true)]
    [InlineData(0.6, 0.9, true)]
    [InlineData(0.5, 1.0, false)]
    [InlineData(0.6, 1.1, false)]
    [InlineData(0.4, 0.1, false)]
    public void In_the_partial_order_better_is_at_least_as_good_everywhere_and_better_somewhere(double f1, double loss, bool better) =>
        Assert.Equal(better, new PartialOrder(Two).IsBetter(Scores(f1, loss), Scores(0.5, 1.0)));

    [Theory]
    [InlineData(0.6, 1.0, true)]
    [InlineData(0.6, 1.1, true)]
    [InlineData(0.6, 1.3, false)]
    [InlineData(0.5, 1.0, false)]
    public void In_the_weighted_order_the_weighted_sum_decides(double f1, double loss, bool better) =>
        Assert.Equal(better, new WeightedOrder(Two).IsBetter(Scores(f1, loss), Scores(0.5, 1.0)));

    [Fact]
    public void An_undefined_score_is_worse_than_any()
    {
        var undefined = new Dictionary<string, double> { ["loss"] = 1 };
        Assert.True(new PartialOrder(Two).IsBetter(Scores(0, 1), undefined));
        Assert.False(new PartialOrder(Two).IsBetter(undefined, Scores(0, 1)));
        Assert.True(new WeightedOrder(Two).IsBetter(Scores(0, 1), undefined));
        Assert.False(new WeightedOrder(Two).IsBetter(undefined, undefined));
    }

    [Fact]
    public void Of_equal_epochs_the_earlier_stays_the_best()
    {
        var selector = new BestModelSelector(new WeightedOrder(Two), patience: null);
        Assert.True(selector.Consider(0, Scores(0.5, 1)));
        Assert.False(selector.Consider(1, Scores(0.5, 1)));
        Assert.True(selector.Consider(2, Scores(0.6, 1)));
        Assert.Equal(2, selector.Best!.Epoch);
    }

    [Fact]
    public void Patience_is_over_so_many_epochs_after_the_best()
    {
        var selector = new BestModelSelector(new WeightedOrder(Two), patience: 2);
        Assert.False(selector.IsPatienceOver(5));
        selector.Consider(3, Scores(0.5, 1));
        Assert.Equal([false, false, true], new[] { 3, 4, 5 }.Select(selector.IsPatienceOver));
    }

    [Fact]
    public void An_order_over_given_metrics_and_weights_is_made()
    {
        IScoreOrder order = ScoreOrders.Create(new SelectionConfig { Metrics = ["f1", "iou"], Weights = [1, 0] }, "accuracy", SegmentationScores.Definitions);
        Assert.True(order.IsBetter(
            new Dictionary<string, double> { ["f1"] = 0.6, ["iou"] = 0 },
            new Dictionary<string, double> { ["f1"] = 0.5, ["iou"] = 1 }));
    }

    [Fact]
    public void An_unknown_order_is_refused() => Refused("SelectionOrderUnknown", "'vector'", new SelectionConfig { Order = "vector" });

    [Fact]
    public void An_unknown_metric_is_refused_with_the_nearest_name() =>
        Refused("ScoreUnknown", "selection.metrics names 'mean_iuo', but the scores are f1", new SelectionConfig { Metrics = ["f1", "mean_iuo"] }, "Did you mean mean_iou?");

    [Fact]
    public void No_metric_at_all_is_refused() => Refused("SelectionEmpty", "must name at least one", new SelectionConfig { Metrics = [] });

    [Fact]
    public void Weights_that_do_not_fit_the_metrics_are_refused()
    {
        Refused("SelectionWeights", "each of the 1 metrics", new SelectionConfig { Weights = [1, 2] });
        Refused("SelectionWeights", "one above 0", new SelectionConfig { Weights = [0] });
        Refused("SelectionWeights", "knows no weights", new SelectionConfig { Order = "partial", Weights = [1] });
    }

    private static Dictionary<string, double> Scores(double f1, double loss) => new() { ["f1"] = f1, ["loss"] = loss };

    private static void Refused(string errorId, string sentence, SelectionConfig config, string more = "")
    {
        RunException refused = Assert.Throws<RunException>(() => ScoreOrders.Create(config, "f1", SegmentationScores.Definitions));
        Assert.Equal((ExitCode.Configuration, errorId), (refused.ExitCode, refused.ErrorId));
        Assert.Contains(sentence, refused.Message);
        Assert.Contains(more, refused.Message);
    }
}
