using RobustTrain.Training.Tasks.ImageNetworks;

namespace RobustTrain.Training.Tasks.Classification.Models;

/// <summary>The networks that a configuration can name.</summary>
internal static class ModelCatalog
{
    /// <summary>The networks.</summary>
    public static NetworkCatalog<ImageModel> Networks { get; } =
        new((model, seed) => model.InitializeWeights(seed), [.. ResNetFeatures.Variants.Select(ResNet.DefinitionOf)]);
}
