using RobustTrain.Runs;
using RobustTrain.Training.Configuration;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks;

/// <summary>The networks that a task's configuration can name.</summary>
/// <param name="initialize">Sets every learned value of a network anew, as a pure function of a seed.</param>
/// <param name="definitions">The networks.</param>
internal sealed class NetworkCatalog<T>(Action<T, long> initialize, params IReadOnlyList<NetworkDefinition<T>> definitions)
    where T : nn.Module
{
    /// <summary>The names that <c>model.name</c> can have.</summary>
    public IReadOnlyList<string> Names { get; } = [.. definitions.Select(definition => definition.Name)];

    /// <summary>Builds the network on the CPU, in training mode, its weights a pure function of the configuration and the seed.</summary>
    /// <exception cref="RunException">It can't be built like that (<c>ModelUnknown</c>, <c>ModelConfiguration</c>).</exception>
    public T Create(ModelConfig config, long seed)
    {
        NetworkDefinition<T> definition = Checked(config);
        T model = definition.Build(definition.Complete(config));
        initialize(model, seed);
        return model;
    }

    /// <summary>Checks, without building it, that the network can be built and takes images of this size in pixels.</summary>
    /// <exception cref="RunException">It can't (<c>ModelUnknown</c>, <c>ModelConfiguration</c>, <c>ModelImageSize</c>).</exception>
    public void CheckImageSize(ModelConfig config, int height, int width)
    {
        if (Checked(config).FindImageSizeProblem(config, height, width) is string problem)
        {
            throw new RunException(
                ExitCode.Configuration, "ModelImageSize",
                $"The model {config.Name} does not fit images of {height}x{width} pixels (height x width): {problem}.", config.Name);
        }
    }

    /// <summary>What is known of a network without building it; null where the catalogue has none of that name.</summary>
    public KnownNetwork? Find(ModelConfig config) => definitions.FirstOrDefault(definition => definition.Name == config.Name) is { } found
        ? new KnownNetwork(found.Keys, found.Head, found.Complete(config))
        : null;

    /// <summary>The pixels between the network's coarsest features.</summary>
    public int StrideOf(ModelConfig config) => Checked(config).StrideOf(config);

    /// <summary>The size itself where the network takes it, else the next larger one whose sides divide by its stride.</summary>
    public (int Height, int Width) PaddedSize(ModelConfig config, int height, int width)
    {
        NetworkDefinition<T> definition = Checked(config);
        return definition.FindImageSizeProblem(config, height, width) is null ? (height, width) : ImageSides.Padded(height, width, definition.StrideOf(config));
    }

    private NetworkDefinition<T> Checked(ModelConfig config)
    {
        NetworkDefinition<T> definition = definitions.FirstOrDefault(definition => definition.Name == config.Name)
            ?? throw new RunException(
                ExitCode.Configuration, "ModelUnknown",
                $"model.name is '{config.Name}', but must be one of {string.Join(", ", Names)}.", config.Name);

        return definition.FindConfigurationProblem(config) is string problem
            ? throw new RunException(ExitCode.Configuration, "ModelConfiguration", $"The model {config.Name} can't be built: {problem}.", config.Name)
            : definition;
    }
}

/// <summary>What a catalogue knows of a network before it is built.</summary>
/// <param name="Name">Its name in the configuration.</param>
/// <param name="Build">Builds it, of a configuration that is complete; its weights are set afterwards.</param>
/// <param name="Keys">The keys of the section model that it goes by, beside name and in_channels.</param>
internal sealed record NetworkDefinition<T>(string Name, Func<ModelConfig, T> Build, params IReadOnlyList<string> Keys)
    where T : nn.Module
{
    /// <summary>What the names of the parameters begin with whose first dimension is the classes; null where there are none.</summary>
    public string? Head { get; init; }

    /// <summary>Puts its authors' sizes where a configuration leaves them open.</summary>
    public Func<ModelConfig, ModelConfig> Complete { get; init; } = config => config;

    /// <summary>Says, as the end of a sentence, why it can't be built with a configuration; null where it can.</summary>
    public Func<ModelConfig, string?> FindConfigurationProblem { get; init; } = _ => null;

    /// <summary>Says, as the end of a sentence, why it can't take images of a height and width; null where it can.</summary>
    public Func<ModelConfig, int, int, string?> FindImageSizeProblem { get; init; } = (_, _, _) => null;

    /// <summary>The pixels between its coarsest features; it takes images whose sides divide by it.</summary>
    public Func<ModelConfig, int> StrideOf { get; init; } = _ => 1;
}

/// <summary>What is known of a network without building it.</summary>
/// <param name="Keys">The keys of the section model that it goes by, beside name and in_channels.</param>
/// <param name="Head">What the names of the parameters begin with whose first dimension is the classes; null where there are none.</param>
/// <param name="Model">The configuration with its authors' sizes where none are given.</param>
public sealed record KnownNetwork(IReadOnlyList<string> Keys, string? Head, ModelConfig Model);

/// <summary>The sides of images.</summary>
internal static class ImageSides
{
    /// <summary>The next larger sides that divide by a stride.</summary>
    public static (int Height, int Width) Padded(int height, int width, int stride)
    {
        return (Next(height), Next(width));

        int Next(int side) => (Math.Max(side, 1) + stride - 1) / stride * stride;
    }
}
