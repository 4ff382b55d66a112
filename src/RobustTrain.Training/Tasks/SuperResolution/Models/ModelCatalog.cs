using RobustTrain.Training.Configuration;

namespace RobustTrain.Training.Tasks.SuperResolution.Models;

/// <summary>The networks of super-resolution that a configuration can name.</summary>
internal static class ModelCatalog
{
    private static readonly int[] s_anyScale = [1, 2, 3, 4, 5, 6, 7, 8];

    /// <summary>The networks.</summary>
    public static NetworkCatalog<SuperResolutionModel> Networks { get; } = new(
        (model, seed) => model.InitializeWeights(seed), SrvggNetCompact.Definition, Edsr.Definition, Edsr.BaselineDefinition, Span.Definition, RrdbNet.Definition);

    /// <summary>What the catalogue knows of a network.</summary>
    /// <param name="name">Its name in the configuration.</param>
    /// <param name="build">Builds it.</param>
    /// <param name="features">Its authors' features.</param>
    /// <param name="blocks">Its authors' blocks.</param>
    /// <param name="scales">What <c>model.scale</c> can be; null for any.</param>
    /// <param name="stride">The pixels of the input between its features, by the scale; null for one.</param>
    /// <param name="onlyBlocks">Whether it has that number of blocks and no other.</param>
    public static NetworkDefinition<SuperResolutionModel> Defined(
        string name, Func<ModelConfig, SuperResolutionModel> build, int features, int blocks, int[]? scales = null, Func<int, int>? stride = null, bool onlyBlocks = false)
    {
        int[] possible = scales ?? s_anyScale;
        return new(name, build, "scale", "features", "blocks")
        {
            Complete = config => config with { Features = config.Features ?? features, Blocks = config.Blocks ?? blocks },
            FindConfigurationProblem = config =>
                !possible.Contains(config.Scale) ? $"model.scale is {config.Scale}, but must be {string.Join(", ", possible.SkipLast(1))} or {possible[^1]}"
                : onlyBlocks && config.Blocks is int other && other != blocks ? $"it has {blocks} blocks, but model.blocks is {other}"
                : null,
            FindImageSizeProblem = (config, height, width) => stride?.Invoke(config.Scale) is int side && (height % side, width % side) != (0, 0)
                ? $"with model.scale {config.Scale} it lays squares of pixels into channels, so each side must divide by {side}"
                : null,
            StrideOf = config => stride?.Invoke(config.Scale) ?? 1,
        };
    }
}
