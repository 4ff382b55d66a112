using RobustTrain.Runs;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Training.Tasks.ChangeDetection.Models;

/// <summary>The models that a configuration can name.</summary>
public static class ModelCatalog
{
    private static readonly IReadOnlyList<ModelDefinition> Definitions = [FcSiamDiff.Definition, FcSiamConc.Definition, HaNet.Definition];

    /// <summary>The names that <c>model.name</c> can have.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Definitions.Select(definition => definition.Name)];

    /// <summary>Builds the model on the CPU, in training mode, its weights a pure function of the configuration and the seed.</summary>
    /// <exception cref="RunException">The model can't be built like that (<c>ModelUnknown</c>, <c>ModelConfiguration</c>).</exception>
    public static ChangeDetectionModel Create(ModelConfig config, long seed)
    {
        ChangeDetectionModel model = Checked(config).Build(config);
        model.InitializeWeights(seed);
        return model;
    }

    /// <summary>Checks, without building it, that the model can be built and takes images of this size in pixels.</summary>
    /// <exception cref="RunException">
    /// It can't (<c>ModelUnknown</c>, <c>ModelConfiguration</c>, <c>ModelImageSize</c>).
    /// </exception>
    public static void CheckImageSize(ModelConfig config, int height, int width)
    {
        if (Checked(config).FindImageSizeProblem(height, width) is string problem)
        {
            throw new RunException(
                ExitCode.Configuration, "ModelImageSize",
                $"The model {config.Name} does not fit images of {height}x{width} pixels (height x width): {problem}.", config.Name);
        }
    }

    /// <summary>The pixels between the network's coarsest features.</summary>
    internal static int StrideOf(ModelConfig config) => Checked(config).Stride;

    /// <summary>The size itself where the network takes it, else the next larger one whose sides divide by its stride.</summary>
    internal static (int Height, int Width) PaddedSize(ModelConfig config, int height, int width)
    {
        ModelDefinition definition = Checked(config);
        return definition.FindImageSizeProblem(height, width) is null ? (height, width) : (Padded(height), Padded(width));

        int Padded(int side) => (side + definition.Stride - 1) / definition.Stride * definition.Stride;
    }

    private static ModelDefinition Checked(ModelConfig config)
    {
        ModelDefinition definition = Definitions.FirstOrDefault(definition => definition.Name == config.Name)
            ?? throw new RunException(
                ExitCode.Configuration, "ModelUnknown",
                $"model.name is '{config.Name}', but must be one of {string.Join(", ", Names)}.", config.Name);

        return definition.FindConfigurationProblem(config) is string problem
            ? throw new RunException(ExitCode.Configuration, "ModelConfiguration", $"The model {config.Name} can't be built: {problem}.", config.Name)
            : definition;
    }
}

/// <summary>What the catalog knows of a model before it is built.</summary>
/// <param name="Name">Its name in the configuration.</param>
/// <param name="Build">Builds it; its weights are set afterwards.</param>
/// <param name="FindConfigurationProblem">Says, as the end of a sentence, why it can't be built with a configuration; null where it can.</param>
/// <param name="FindImageSizeProblem">Says, as the end of a sentence, why it can't take images of a height and width; null where it can.</param>
/// <param name="Stride">The pixels between its coarsest features; it takes images whose sides divide by it.</param>
internal sealed record ModelDefinition(
    string Name,
    Func<ModelConfig, ChangeDetectionModel> Build,
    Func<ModelConfig, string?> FindConfigurationProblem,
    Func<int, int, string?> FindImageSizeProblem,
    int Stride);
