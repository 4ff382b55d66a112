using RobustTrain.Runs;
using RobustTrain.Training.Configuration;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks.ChangeDetection.Losses;

/// <summary>The criteria that a configuration can name.</summary>
public static class CriterionCatalog
{
    private static readonly Dictionary<string, Factory> s_factories = new(StringComparer.Ordinal)
    {
        ["cross-entropy"] = (config, weights, device) => new CrossEntropy(weights, config.IgnoreIndex, device),
        ["focal"] = (config, weights, device) => new Focal(config.Gamma, weights, config.IgnoreIndex, device),
        ["dice"] = (config, weights, device) => new Dice(weights, config.IgnoreIndex, device),
        ["focal-dice"] = (config, weights, device) => new FocalDice(config.Gamma, weights, config.IgnoreIndex, device),
    };

    private delegate Criterion Factory(CriterionConfig config, IReadOnlyList<double>? weights, Device device);

    /// <summary>The names that <c>criterion.name</c> can have.</summary>
    public static IReadOnlyCollection<string> Names => s_factories.Keys;

    /// <summary>Whether the criterion weighs classes by their share of the training labels, which must be counted first.</summary>
    public static bool NeedsClassDistribution(CriterionConfig config) => config.Weighting == "data";

    /// <summary>Checks, without looking at any data, that the criterion can be made for a number of classes.</summary>
    /// <exception cref="RunException">It can't (<c>CriterionUnknown</c>, <c>CriterionClassWeights</c>).</exception>
    public static void Check(CriterionConfig config, int classes)
    {
        if (!Names.Contains(config.Name))
        {
            throw new RunException(
                ExitCode.Configuration, "CriterionUnknown",
                $"criterion.name is '{config.Name}', but must be one of {string.Join(", ", Names)}.", config.Name);
        }

        switch (config.Weighting)
        {
            case "none" or "data" when config.ClassWeights is not null:
                throw Wrong("criterion.class_weights is set, but criterion.weighting is " + config.Weighting + "; it must be given for the weights to count");
            case "none" or "data":
                return;
            case "given":
                CheckWeights(config.ClassWeights, classes);
                return;
            default:
                throw Wrong($"criterion.weighting is '{config.Weighting}', but must be one of none, data, given");
        }
    }

    /// <summary>Makes the criterion.</summary>
    /// <param name="config">What the configuration says of it.</param>
    /// <param name="classes">The number of classes.</param>
    /// <param name="device">Where the logits will be.</param>
    /// <param name="distribution">The training labels' distribution, where <see cref="NeedsClassDistribution"/>; else not looked at.</param>
    /// <exception cref="RunException">
    /// The criterion can't be made (<c>CriterionUnknown</c>, <c>CriterionClassWeights</c>, <c>CriterionClassMissing</c>).
    /// </exception>
    public static Criterion Create(CriterionConfig config, int classes, Device device, ClassDistribution? distribution = null)
    {
        Check(config, classes);
        IReadOnlyList<double>? weights = config.Weighting switch
        {
            "given" => config.ClassWeights,
            "data" => (distribution ?? throw new ArgumentNullException(nameof(distribution), "criterion.weighting: data needs the class distribution.")).InverseWeights(),
            _ => null,
        };

        return s_factories[config.Name](config, weights, device);
    }

    private static void CheckWeights(IReadOnlyList<double>? weights, int classes)
    {
        if (weights is null) throw Wrong("criterion.weighting is given, but criterion.class_weights is not set");
        if (weights.Count != classes) throw Wrong($"criterion.class_weights has {weights.Count} values, but model.classes is {classes}");
        if (weights.FirstOrDefault(weight => weight < 0 || !double.IsFinite(weight)) is double wrong and not 0)
            throw Wrong(FormattableString.Invariant($"criterion.class_weights holds {wrong}, but a weight must be a finite number of at least 0"));
        if (weights.All(weight => weight == 0)) throw Wrong("criterion.class_weights are all 0, so nothing would be learned; at least one must be above 0");
    }

    private static RunException Wrong(string sentence) =>
        new(ExitCode.Configuration, "CriterionClassWeights", sentence + ".", "criterion");
}
