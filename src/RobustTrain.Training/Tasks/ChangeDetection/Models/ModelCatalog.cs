namespace RobustTrain.Training.Tasks.ChangeDetection.Models;

/// <summary>The networks that a configuration can name.</summary>
internal static class ModelCatalog
{
    /// <summary>The networks.</summary>
    public static NetworkCatalog<ChangeDetectionModel> Networks { get; } =
        new((model, seed) => model.InitializeWeights(seed), FcSiamDiff.Definition, FcSiamConc.Definition, HaNet.Definition);
}
