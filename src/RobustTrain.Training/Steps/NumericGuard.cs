using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Tasks;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Training.Steps;

/// <summary>Watches losses and gradients, and decides what becomes of a step where they go wrong.</summary>
/// <param name="config">The policy.</param>
/// <param name="journal">Is told of each failure that the training survives.</param>
internal sealed class NumericGuard(NumericsConfig config, IRunJournal journal) : ICheckpointState
{
    private const string StateKey = "numerics";
    private const int Window = 50;

    // Below this many losses a median says little: the first steps of a training are far apart.
    private const int Fewest = 10;
    private const int NamesInMessage = 16;

    private readonly Queue<float> _recent = new();
    private int _failures;

    /// <summary>The factor of the learning rate that rollbacks have led to.</summary>
    public double LearningRateFactor { get; private set; } = 1;

    /// <summary>The last failure, in one sentence with its step, its samples, and where it began; null before the first.</summary>
    public string? LastFailure { get; private set; }

    /// <summary>What is wrong with a loss, as the beginning of a sentence; null where nothing is.</summary>
    public string? FindProblem(float loss)
    {
        if (float.IsNaN(loss))
            return "The loss is NaN";
        if (float.IsInfinity(loss))
            return "The loss is infinite";
        if (config.SpikeFactor is not double factor || _recent.Count < Fewest)
            return null;
        float median = _recent.Order().ElementAt(_recent.Count / 2);
        return loss > factor * median
            ? FormattableString.Invariant($"The loss {loss:G6} is a spike, more than {factor:G4} times the median {median:G6} of the last {_recent.Count}")
            : null;
    }

    /// <summary>Takes note of a loss in which nothing was wrong.</summary>
    public void Accept(float loss)
    {
        _recent.Enqueue(loss);
        if (_recent.Count > Window)
            _recent.Dequeue();
    }

    /// <summary>Decides what becomes of a step that went wrong.</summary>
    /// <returns><see cref="StepVerdict.Complete"/> where it is left out, or <see cref="StepVerdict.RollBack"/>.</returns>
    /// <exception cref="RunException">The policy lets the training fail, or too much has gone wrong already.</exception>
    public StepVerdict Handle(NumericFailure failure, TrainingCursor cursor, IReadOnlyList<string> samples)
    {
        _failures++;
        string where = $"{failure.Problem} at step {cursor.GlobalStep} (epoch {cursor.Epoch}, batch {cursor.Batch})";
        bool isLimited = config.OnFailure != "fail";
        string limit = isLimited && _failures > config.MaxFailures ? $", the failure number {_failures} of this run, which may have {config.MaxFailures}" : "";
        string names = string.Join(", ", samples.Take(NamesInMessage)) + (samples.Count > NamesInMessage ? $" and {samples.Count - NamesInMessage} more" : "");
        string fault = failure.FirstFault is null ? "" : $"; {failure.FirstFault}";
        LastFailure = $"{where}{limit}{fault}; the step's samples are {names}.";
        if (!isLimited || _failures > config.MaxFailures)
            throw new RunException(ExitCode.Numeric, "NumericFailure", LastFailure, cursor.GlobalStep);

        if (config.OnFailure == "rollback")
            LearningRateFactor *= config.RollbackFactor;
        journal.Write(new NumericFailureHandled(
            cursor.Epoch, cursor.GlobalStep, $"{where}{fault}.",
            config.OnFailure, samples, _failures, LearningRateFactor));
        return config.OnFailure == "rollback" ? StepVerdict.RollBack : StepVerdict.Complete;
    }

    /// <summary>Runs a rollback, and keeps the count of failures and the learning rate's factor through it.</summary>
    public void KeepThrough(Action rollBack)
    {
        (int failures, double factor) = (_failures, LearningRateFactor);
        rollBack();
        (_failures, LearningRateFactor) = (failures, factor);
    }

    /// <inheritdoc/>
    public void Save(CheckpointDraft draft) => draft.Set(StateKey, new State(_failures, LearningRateFactor, [.. _recent]));

    /// <inheritdoc/>
    public void Load(CheckpointArchive archive)
    {
        State state = archive.Get<State>(StateKey);
        _failures = state.Failures;
        LearningRateFactor = state.LearningRateFactor;
        _recent.Clear();
        foreach (float loss in state.RecentLosses)
            _recent.Enqueue(loss);
    }

    private sealed record State(int Failures, double LearningRateFactor, IReadOnlyList<float> RecentLosses);
}

/// <summary>A step whose loss or gradient went wrong.</summary>
/// <param name="Problem">What went wrong, as the beginning of a sentence.</param>
/// <param name="FirstFault">Where the first value that is not finite was found, as a sentence; null where it was not looked for or not found.</param>
internal sealed record NumericFailure(string Problem, string? FirstFault);

/// <summary>Looks for the first value that is not finite: in the inputs, the weights, the layers' outputs, the gradients.</summary>
internal static class FaultSearch
{
    /// <summary>Where a forward pass first holds a value that is not finite, as a sentence without its full stop; null where it is only in the criterion.</summary>
    public static string? InForward(ITrainingTask task, nn.Module model, BatchTensors batch)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        if (task.Fields.FirstOrDefault(field => field.Input is not null && !IsFinite(batch[field.Name])) is { } input)
            return $"{input.Input} hold values that are not finite";
        if (model.state_dict().FirstOrDefault(named => !IsFinite(named.Value)) is { Key: { } name })
            return $"the weights '{name}' are not finite before the step";
        return LayerTrace.FirstNotFinite(model, () => task.Forward(model, batch).Dispose()) is { } layer
            ? $"the first layer whose output is not finite is '{layer}'"
            : null;
    }

    /// <summary>The first parameter whose gradient is not finite, as such a sentence.</summary>
    public static string? InGradients(IEnumerable<(string Name, Parameter Parameter)> parameters)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        foreach ((string name, Parameter parameter) in parameters)
        {
            if (parameter.grad is { } gradient && !IsFinite(gradient))
                return $"the first parameter whose gradient is not finite is '{name}'";
        }

        return null;
    }

    internal static bool IsFinite(Tensor values) => values.isfinite().all().item<bool>();
}

/// <summary>Watches the layers of a network during one forward pass.</summary>
internal static class LayerTrace
{
    /// <summary>The name of the first layer whose output holds a value that is not finite; null where none does.</summary>
    /// <param name="model">The network.</param>
    /// <param name="forward">Runs the forward pass.</param>
    public static string? FirstNotFinite(nn.Module model, Action forward)
    {
        string? first = null;
        List<Action> removals = [];
        foreach ((string name, nn.Module module) in model.named_modules())
        {
            if (module is not nn.Module<Tensor, Tensor> layer || module.named_children().Any())
                continue;
            var hook = layer.register_forward_hook((_, _, output) =>
            {
                if (first is null && !FaultSearch.IsFinite(output))
                    first = name;
                return output;
            });
            removals.Add(hook.remove);
        }

        try
        {
            forward();
        }
        finally
        {
            removals.ForEach(remove => remove());
        }

        return first;
    }
}
