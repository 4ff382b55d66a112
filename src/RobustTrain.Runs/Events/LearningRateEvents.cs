namespace RobustTrain.Runs.Events;

/// <summary>How far <c>robusttrain find-learning-rate</c> is.</summary>
/// <param name="Done">The steps that are done.</param>
/// <param name="Total">The steps that there are at the most.</param>
public sealed record LearningRateProgress(int Done, int Total) : RunEvent;

/// <summary>How the loss went while the learning rate rose.</summary>
/// <param name="Points">The steps.</param>
/// <param name="Suggested">The step with the rate at which the smoothed loss fell fastest; null where it never fell.</param>
/// <param name="HasExploded">Whether the search ended early, since the loss exploded.</param>
/// <param name="DurationSeconds">How long it took.</param>
public sealed record LearningRatesMeasured(IReadOnlyList<LearningRatePoint> Points, int? Suggested, bool HasExploded, double DurationSeconds) : RunEvent;

/// <summary>A step of a search for a learning rate.</summary>
/// <param name="Step">The step, from 0.</param>
/// <param name="LearningRate">Its learning rate.</param>
/// <param name="Loss">The loss before the step changed the weights.</param>
/// <param name="SmoothedLoss">The losses' exponential moving average, its bias corrected.</param>
public sealed record LearningRatePoint(int Step, double LearningRate, double Loss, double SmoothedLoss);
