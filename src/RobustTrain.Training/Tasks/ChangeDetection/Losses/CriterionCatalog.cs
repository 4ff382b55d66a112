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

    /// <summary>Makes the criterion.</summary>
    /// <param name="config">What the configuration says of it.</param>
    /// <param name="device">Where the logits will be.</param>
    /// <param name="distribution">The training labels' distribution, where <see cref="NeedsClassDistribution"/>; else not looked at.</param>
    /// <exception cref="RunException">The criterion can't be made (<c>CriterionUnknown</c>, <c>CriterionClassMissing</c>).</exception>
    public static Criterion Create(CriterionConfig config, Device device, ClassDistribution? distribution = null)
    {
        if (!s_factories.TryGetValue(config.Name, out Factory? create))
            throw new RunException(ExitCode.Configuration, "CriterionUnknown", $"criterion.name is '{config.Name}', but must be one of {string.Join(", ", Names)}.", config.Name);
        IReadOnlyList<double>? weights = config.Weighting switch
        {
            "given" => config.ClassWeights,
            "data" => (distribution ?? throw new ArgumentNullException(nameof(distribution), "criterion.weighting: data needs the class distribution.")).InverseWeights(),
            _ => null,
        };

        return create(config, weights, device);
    }
}
