using RobustTrain.Training.Tasks.ImageNetworks;

namespace RobustTrain.Training.Tasks.Segmentation.Models;

/// <summary>The networks that a configuration can name.</summary>
internal static class ModelCatalog
{
    /// <summary>The networks.</summary>
    public static NetworkCatalog<ImageModel> Networks { get; } = new((model, seed) => model.InitializeWeights(seed), UNet.Definition, DeepLabV3.Definition);
}
