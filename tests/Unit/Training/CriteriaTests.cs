using RobustTrain.Data;
using RobustTrain.Runs;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Tasks.ClassLabels.Losses;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training;

/// <summary>The criteria against plain Python loops over pixels in float64 (fixtures/make_fixtures.py), and where they must refuse.</summary>
public sealed class CriteriaTests
{
    public static TheoryData<string, double, bool> Cases
    {
        get
        {
            TheoryData<string, double, bool> cases = [];
            foreach (bool weighted in (bool[])[false, true])
            {
                cases.Add("cross-entropy", 0, weighted);
                cases.Add("dice", 0, weighted);
                foreach (double gamma in (double[])[0, 0.5, 2])
                {
                    cases.Add("focal", gamma, weighted);
                    cases.Add("focal-dice", gamma, weighted);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Loss_and_gradient_equal_the_reference(string name, double gamma, bool weighted)
    {
        using TensorFixture fixture = new("criteria");
        using Criterion criterion = CriterionCatalog.Create(Config(name, gamma, weighted ? fixture.Doubles("weights") : null), CPU);
        Tensor logits = fixture["logits"].requires_grad_(true);

        Tensor loss = criterion.Compute(logits, fixture["labels"]);
        loss.backward();

        string reference = (name.StartsWith("focal", StringComparison.Ordinal) ? FormattableString.Invariant($"{name}-{gamma:0.0}") : name) + (weighted ? "-weighted" : "");
        Assert.Equal(fixture.Doubles($"{reference}.loss")[0], loss.item<float>(), 1e-5);
        Tensor difference = logits.grad!.to(ScalarType.Float64) - fixture[$"{reference}.gradient"];
        Assert.InRange(difference.abs().max().item<double>(), 0, 1e-6);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Smoothed_labels_count_for_each_class_and_whole_images_have_classes_too(bool weighted)
    {
        const double smoothing = 0.2;
        double[] weights = weighted ? [0.2, 1.5, 0.7] : [1, 1, 1];
        using Tensor logits = tensor(new float[,] { { 1, 2, -1 }, { 0, 0.5f, 3 } });
        using Tensor labels = tensor(new long[] { 1, 0 });
        CriterionConfig config = new() { LabelSmoothing = smoothing, Weighting = weighted ? "given" : "none", ClassWeights = weighted ? weights : null };
        using Criterion criterion = CriterionCatalog.Create(config, CPU);

        double loss = criterion.Compute(logits, labels).item<float>();

        float[] log = nn.functional.log_softmax(logits, 1).data<float>().ToArray();
        (double sum, double total) = (0, 0);
        foreach ((int sample, int label) in ((int, int)[])[(0, 1), (1, 0)])
        {
            sum -= (1 - smoothing) * weights[label] * log[(3 * sample) + label];
            sum -= Enumerable.Range(0, 3).Sum(c => smoothing / 3 * weights[c] * log[(3 * sample) + c]);
            total += weights[label];
        }

        Assert.Equal(sum / total, loss, 1e-5);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Labels_of_one_byte_count_like_those_of_eight(string name, double gamma, bool weighted)
    {
        using TensorFixture fixture = new("criteria");
        using Criterion criterion = CriterionCatalog.Create(Config(name, gamma, weighted ? fixture.Doubles("weights") : null), CPU);
        Tensor logits = fixture["logits"];

        Tensor expected = criterion.Compute(logits, fixture["labels"]);
        Tensor actual = criterion.Compute(logits, fixture["labels"].to(ScalarType.Byte));

        Assert.Equal(expected.item<float>(), actual.item<float>());
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_batch_of_ignored_pixels_has_no_loss_and_no_gradient(string name, double gamma, bool weighted)
    {
        using Criterion criterion = CriterionCatalog.Create(Config(name, gamma, weighted ? [1, 2, 3] : null), CPU);
        Tensor logits = randn(2, 3, 4, 4).requires_grad_(true);

        Tensor loss = criterion.Compute(logits, full([2, 4, 4], 255, dtype: ScalarType.Int64));
        loss.backward();

        Assert.Equal(0, loss.item<float>());
        Assert.Equal(0, logits.grad!.abs().max().item<float>());
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Certain_predictions_have_a_finite_gradient(string name, double gamma, bool weighted)
    {
        using Criterion criterion = CriterionCatalog.Create(Config(name, gamma, weighted ? [1, 2, 3] : null), CPU);
        Tensor labels = zeros([1, 4, 4], dtype: ScalarType.Int64);
        labels.narrow(1, 0, 2).fill_(1);
        Tensor logits = zeros(1, 3, 4, 4);
        logits.narrow(1, 0, 1).fill_(200);
        logits.requires_grad_(true);

        Tensor loss = criterion.Compute(logits, labels);
        loss.backward();

        Assert.True(double.IsFinite(loss.item<float>()));
        Assert.True(logits.grad!.isfinite().all().item<bool>());
    }

    [Fact]
    public void Shapes_that_do_not_belong_together_are_refused()
    {
        using Criterion criterion = CriterionCatalog.Create(new CriterionConfig(), CPU);

        ArgumentException error = Assert.Throws<ArgumentException>(() => criterion.Compute(zeros(2, 2, 4, 4), zeros([2, 4, 5], dtype: ScalarType.Int64)));

        Assert.StartsWith("Logits must be N x K x H x W and labels N x H x W, or N x K and N, but they are 2 x 2 x 4 x 4 and 2 x 4 x 5.", error.Message);
    }

    [Fact]
    public void An_unknown_criterion_is_answered_with_those_that_exist()
    {
        RunException error = Assert.Throws<RunException>(() => CriterionCatalog.Create(new CriterionConfig { Name = "hinge" }, CPU));

        Assert.Equal("criterion.name is 'hinge', but must be one of cross-entropy, focal, dice, focal-dice.", error.Message);
    }

    [Fact]
    public void Weights_from_the_data_are_inverse_to_the_shares_and_one_on_average()
    {
        IReadOnlyList<double> weights = new ClassDistribution([900, 100]).InverseWeights();

        Assert.Equal(0.2, weights[0], 12);
        Assert.Equal(1.8, weights[1], 12);
    }

    [Fact]
    public void A_class_without_a_pixel_can_not_be_weighted_by_the_data()
    {
        RunException error = Assert.Throws<RunException>(() => new ClassDistribution([5, 0]).InverseWeights());

        Assert.Equal("CriterionClassMissing", error.ErrorId);
        Assert.Contains("no pixel of class 1", error.Message);
    }

    [Fact]
    public void The_distribution_counts_every_label_but_the_ignored()
    {
        using LabelLoader bytes = new(ElementType.UInt8, [[0, 1, 1, 255], [0, 0, 2, 1]]);
        using LabelLoader longs = new(ElementType.Int64, [[0, 1, 1, 255], [0, 0, 2, 1]]);

        Assert.Equal([3, 3, 1], ClassDistribution.Count(bytes, "label", 3, 255).Counts);
        Assert.Equal([3, 3, 1], ClassDistribution.Count(longs, "label", 3, 255).Counts);
        Assert.Equal(2, bytes.Disposed);
    }

    [Theory]
    [InlineData(ElementType.UInt8)]
    [InlineData(ElementType.Int64)]
    public void A_label_that_is_no_class_names_its_sample(ElementType type)
    {
        using LabelLoader loader = new(type, [[0, 1, 1, 255], [0, 0, 9, 1]]);

        RunException error = Assert.Throws<RunException>(() => ClassDistribution.Count(loader, "label", 2, 255));

        Assert.Equal("The label of sample 1 holds the value 9, but must hold classes from 0 to 1, or 255 where nothing is known.", error.Message);
        Assert.Equal(ExitCode.Data, error.ExitCode);
    }

    private static CriterionConfig Config(string name, double gamma, double[]? weights) =>
        new() { Name = name, Gamma = gamma, Weighting = weights is null ? "none" : "given", ClassWeights = weights };
}
