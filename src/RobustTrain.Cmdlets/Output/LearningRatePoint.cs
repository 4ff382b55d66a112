namespace RobustTrain.Cmdlets.Output;

/// <summary>A step of a search for a learning rate, as Measure-LearningRate writes it.</summary>
public sealed record LearningRatePoint
{
    /// <summary>The step, from 0.</summary>
    public required int Step { get; init; }

    /// <summary>Its learning rate.</summary>
    public required double LearningRate { get; init; }

    /// <summary>The loss before the step changed the weights.</summary>
    public required double Loss { get; init; }

    /// <summary>The losses' exponential moving average.</summary>
    public required double SmoothedLoss { get; init; }

    /// <summary>Whether the smoothed loss fell fastest here: the rate to train with.</summary>
    public required bool IsSuggested { get; init; }

    internal static LearningRatePoint From(Runs.Events.LearningRatePoint point, bool isSuggested) =>
        new() { Step = point.Step, LearningRate = point.LearningRate, Loss = point.Loss, SmoothedLoss = point.SmoothedLoss, IsSuggested = isSuggested };
}
