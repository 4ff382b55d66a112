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
        T model = Checked(config).Build(config);
        initialize(model, seed);
        return model;
    }

    /// <summary>Checks, without building it, that the network can be built and takes images of this size in pixels.</summary>
    /// <exception cref="RunException">It can't (<c>ModelUnknown</c>, <c>ModelConfiguration</c>, <c>ModelImageSize</c>).</exception>
    public void CheckImageSize(ModelConfig config, int height, int width)
    {
        if (Checked(config).FindImageSizeProblem(height, width) is string problem)
        {
            throw new RunException(
                ExitCode.Configuration, "ModelImageSize",
                $"The model {config.Name} does not fit images of {height}x{width} pixels (height x width): {problem}.", config.Name);
        }
    }

    /// <summary>The pixels between the network's coarsest features.</summary>
    public int StrideOf(ModelConfig config) => Checked(config).Stride;

    /// <summary>The size itself where the network takes it, else the next larger one whose sides divide by its stride.</summary>
    public (int Height, int Width) PaddedSize(ModelConfig config, int height, int width)
    {
        NetworkDefinition<T> definition = Checked(config);
        return definition.FindImageSizeProblem(height, width) is null ? (height, width) : (Padded(height), Padded(width));

        int Padded(int side) => (side + definition.Stride - 1) / definition.Stride * definition.Stride;
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
/// <param name="Build">Builds it; its weights are set afterwards.</param>
/// <param name="FindConfigurationProblem">Says, as the end of a sentence, why it can't be built with a configuration; null where it can.</param>
/// <param name="FindImageSizeProblem">Says, as the end of a sentence, why it can't take images of a height and width; null where it can.</param>
/// <param name="Stride">The pixels between its coarsest features; it takes images whose sides divide by it.</param>
internal sealed record NetworkDefinition<T>(
    string Name,
    Func<ModelConfig, T> Build,
    Func<ModelConfig, string?> FindConfigurationProblem,
    Func<int, int, string?> FindImageSizeProblem,
    int Stride)
    where T : nn.Module;
