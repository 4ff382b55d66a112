using RobustTrain.Runs;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Training.Tasks.SuperResolution.Models;

/// <summary>The networks of super-resolution that a configuration can name.</summary>
public static class ModelCatalog
{
    private static readonly IReadOnlyList<ModelDefinition> Definitions =
        [SrvggNetCompact.Definition, Edsr.Definition, Edsr.BaselineDefinition, Span.Definition, RrdbNet.Definition];

    /// <summary>The names that <c>model.name</c> can have.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Definitions.Select(definition => definition.Name)];

    /// <summary>Builds the network on the CPU, in training mode, its weights a pure function of the configuration and the seed.</summary>
    /// <exception cref="RunException">It can't be built like that (<c>ModelUnknown</c>, <c>ModelConfiguration</c>).</exception>
    public static SuperResolutionModel Create(ModelConfig config, long seed)
    {
        SuperResolutionModel model = Checked(config).Build(config);
        model.InitializeWeights(seed);
        return model;
    }

    /// <summary>Checks, without building it, that the network can be built and takes images of this size in pixels.</summary>
    /// <exception cref="RunException">It can't (<c>ModelUnknown</c>, <c>ModelConfiguration</c>, <c>ModelImageSize</c>).</exception>
    public static void CheckImageSize(ModelConfig config, int height, int width)
    {
        if (PaddedSize(config, height, width) == (height, width))
            return;
        throw new RunException(
            ExitCode.Configuration, "ModelImageSize",
            $"The model {config.Name} with model.scale {config.Scale} does not fit images of {height}x{width} pixels (height x width): it lays squares of pixels into channels, so each side must divide by {StrideOf(config)}.", config.Name);
    }

    /// <summary>The pixels of the input between the network's features: sides must divide by it.</summary>
    public static int StrideOf(ModelConfig config) => Checked(config).StrideOf(config.Scale);

    /// <summary>The size itself where the network takes it, else the next larger one whose sides divide by its stride.</summary>
    internal static (int Height, int Width) PaddedSize(ModelConfig config, int height, int width)
    {
        int stride = StrideOf(config);
        return (Padded(height), Padded(width));

        int Padded(int side) => (Math.Max(side, 1) + stride - 1) / stride * stride;
    }

    private static ModelDefinition Checked(ModelConfig config)
    {
        ModelDefinition definition = Definitions.FirstOrDefault(definition => definition.Name == config.Name)
            ?? throw new RunException(
                ExitCode.Configuration, "ModelUnknown",
                $"model.name is '{config.Name}', but must be one of {string.Join(", ", Names)}.", config.Name);
        string? problem = definition.Scales.Contains(config.Scale)
            ? definition.FindConfigurationProblem(config)
            : $"model.scale is {config.Scale}, but must be {string.Join(", ", definition.Scales.SkipLast(1))} or {definition.Scales[^1]}";
        return problem is null
            ? definition
            : throw new RunException(ExitCode.Configuration, "ModelConfiguration", $"The model {config.Name} can't be built: {problem}.", config.Name);
    }
}

/// <summary>What the catalogue knows of a network before it is built.</summary>
/// <param name="Name">Its name in the configuration.</param>
/// <param name="Build">Builds it; its weights are set afterwards.</param>
internal sealed record ModelDefinition(string Name, Func<ModelConfig, SuperResolutionModel> Build)
{
    /// <summary>What <c>model.scale</c> can be.</summary>
    public IReadOnlyList<int> Scales { get; init; } = [1, 2, 3, 4, 5, 6, 7, 8];

    /// <summary>Says, as the end of a sentence, why it can't be built with a configuration; null where it can.</summary>
    public Func<ModelConfig, string?> FindConfigurationProblem { get; init; } = _ => null;

    /// <summary>The pixels of the input between its features, by the scale; it takes images whose sides divide by it.</summary>
    public Func<int, int> StrideOf { get; init; } = _ => 1;
}
