using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Tasks;
using static TorchSharp.torch;

namespace RobustTrain.Training.Plugins;

/// <summary>An assembly that brings parts of its own has one public class that implements this, with a constructor without parameters.</summary>
public interface ITrainingPlugin
{
    /// <summary>Names what the assembly brings. It is called once a process, and computes nothing.</summary>
    void Register(PluginCatalog catalog);
}

/// <summary>What a plug-in brings. Each name is known to configurations as <c>PLUGIN:NAME</c>, with the assembly's name.</summary>
public sealed class PluginCatalog
{
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    internal PluginCatalog(string plugin) => Plugin = plugin;

    /// <summary>The assembly's name.</summary>
    public string Plugin { get; }

    internal List<PluginNetwork> Networks { get; } = [];

    internal List<PluginLoss> Losses { get; } = [];

    internal List<PluginScore> Scores { get; } = [];

    internal List<PluginDataset> Datasets { get; } = [];

    internal List<TaskDefinition> Tasks { get; } = [];

    /// <summary>Adds a network for <c>model.name</c>.</summary>
    /// <param name="task">The task that it is for, for example <c>change-detection</c>.</param>
    /// <param name="name">Its name.</param>
    /// <param name="build">
    /// Makes it on the CPU, in training mode. torch's generator is seeded before: weights that are drawn in an order of their own are a pure function of
    /// the seed. It takes the task's images, N x C x H x W (<see cref="nn.Module{T, TResult}"/>, for change detection two of them), and gives what the task
    /// expects: logits N x K x H x W or N x K, or images N x C x sH x sW.
    /// </param>
    /// <param name="stride">The multiple to which the sides of images are padded where it is used on images of any size.</param>
    /// <exception cref="ArgumentException">The name is taken, or has a colon or a slash.</exception>
    public void AddNetwork(string task, string name, Func<ModelConfig, nn.Module> build, int stride = 16)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(stride, 1);
        Networks.Add(new PluginNetwork(task, Own("network", name), build, stride));
    }

    /// <summary>Adds a loss for <c>criterion.name</c>.</summary>
    /// <param name="task">The task that it is for.</param>
    /// <param name="name">Its name.</param>
    /// <param name="create">Makes a function of the network's output and the batch's target, that gives the batch's mean loss, a scalar.</param>
    /// <exception cref="ArgumentException">The name is taken, or has a colon or a slash.</exception>
    public void AddLoss(string task, string name, Func<CriterionConfig, Func<Tensor, Tensor, Tensor>> create) =>
        Losses.Add(new PluginLoss(task, Own("loss", name), create));

    /// <summary>Adds a score, by which epochs can be compared. The score of many samples is their mean.</summary>
    /// <param name="task">The task that it is for.</param>
    /// <param name="name">Its name.</param>
    /// <param name="direction">Which of two values is the better one.</param>
    /// <param name="compute">Gives, of the network's output and the batch's target, a number for each sample, N; NaN where it is not defined.</param>
    /// <exception cref="ArgumentException">The name is taken, or has a colon or a slash.</exception>
    public void AddScore(string task, string name, ScoreDirection direction, Func<Tensor, Tensor, Tensor> compute) =>
        Scores.Add(new PluginScore(task, new ScoreDefinition(Own("score", name), direction), compute));

    /// <summary>Adds a dataset for <c>data.dataset</c>. Its workers are threads.</summary>
    /// <param name="task">The task that it is for, whose fields its samples have.</param>
    /// <param name="name">Its name.</param>
    /// <param name="open">Opens a split, as training sees it (<see cref="SampleView.Augmented"/>) or as evaluation does.</param>
    /// <exception cref="ArgumentException">The name is taken, or has a colon or a slash.</exception>
    public void AddDataset(string task, string name, Func<TrainingConfig, DatasetSplit, SampleView, IDataset> open) =>
        Datasets.Add(new PluginDataset(task, Own("dataset", name), open));

    /// <summary>Adds a whole task for <c>task</c>.</summary>
    /// <param name="task">The task. Its own networks, datasets and losses have names without the plug-in's.</param>
    /// <exception cref="ArgumentException">The name is taken, or has a colon or a slash.</exception>
    public void AddTask(TaskDefinition task) => Tasks.Add(task with { Name = Own("task", task.Name) });

    private string Own(string kind, string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (name.AsSpan().ContainsAny(':', '/'))
            throw new ArgumentException($"The name '{name}' has a colon or a slash.", nameof(name));
        return _names.Add($"{kind} {name}")
            ? $"{Plugin}:{name}"
            : throw new ArgumentException($"The plug-in brings a {kind} '{name}' twice.", nameof(name));
    }
}

internal sealed record PluginNetwork(string Task, string Name, Func<ModelConfig, nn.Module> Build, int Stride);

internal sealed record PluginLoss(string Task, string Name, Func<CriterionConfig, Func<Tensor, Tensor, Tensor>> Create);

internal sealed record PluginScore(string Task, ScoreDefinition Definition, Func<Tensor, Tensor, Tensor> Compute);

internal sealed record PluginDataset(string Task, string Name, Func<TrainingConfig, DatasetSplit, SampleView, IDataset> Open);
