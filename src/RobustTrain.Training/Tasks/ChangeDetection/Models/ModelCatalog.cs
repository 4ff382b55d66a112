using RobustTrain.Runs;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Training.Tasks.ChangeDetection.Models;

/// <summary>The models that a configuration can name.</summary>
public static class ModelCatalog
{
    private static readonly NetworkCatalog<ChangeDetectionModel> s_networks =
        new((model, seed) => model.InitializeWeights(seed), FcSiamDiff.Definition, FcSiamConc.Definition, HaNet.Definition);

    /// <summary>The names that <c>model.name</c> can have.</summary>
    public static IReadOnlyList<string> Names => s_networks.Names;

    /// <summary>Builds the model on the CPU, in training mode, its weights a pure function of the configuration and the seed.</summary>
    /// <exception cref="RunException">The model can't be built like that (<c>ModelUnknown</c>, <c>ModelConfiguration</c>).</exception>
    public static ChangeDetectionModel Create(ModelConfig config, long seed) => s_networks.Create(config, seed);

    /// <summary>Checks, without building it, that the model can be built and takes images of this size in pixels.</summary>
    /// <exception cref="RunException">
    /// It can't (<c>ModelUnknown</c>, <c>ModelConfiguration</c>, <c>ModelImageSize</c>).
    /// </exception>
    public static void CheckImageSize(ModelConfig config, int height, int width) => s_networks.CheckImageSize(config, height, width);

    /// <summary>What is known of a network without building it; null where there is none of that name.</summary>
    internal static KnownNetwork? Find(ModelConfig config) => s_networks.Find(config);

    /// <summary>The pixels between the network's coarsest features.</summary>
    internal static int StrideOf(ModelConfig config) => s_networks.StrideOf(config);

    /// <summary>The size itself where the network takes it, else the next larger one whose sides divide by its stride.</summary>
    internal static (int Height, int Width) PaddedSize(ModelConfig config, int height, int width) => s_networks.PaddedSize(config, height, width);
}
