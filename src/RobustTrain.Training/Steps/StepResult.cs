namespace RobustTrain.Training.Steps;

/// <summary>What a batch led to.</summary>
/// <param name="Verdict">Whether the step is complete.</param>
/// <param name="Loss">The loss of the step's samples before the step, where it is complete.</param>
/// <param name="LearningRate">The step's learning rate.</param>
/// <param name="Samples">The number of the step's samples.</param>
/// <param name="Batches">The number of the step's batches.</param>
/// <param name="NextBatch">The batch after the step's last.</param>
internal readonly record struct StepResult(
    StepVerdict Verdict, float Loss = float.NaN, double LearningRate = 0, int Samples = 0, int Batches = 0, int NextBatch = 0)
{
    /// <summary>Whether the batch counts for nothing, since all its samples were skipped.</summary>
    public bool IsSkipped { get; init; }
}

/// <summary>What became of a batch.</summary>
internal enum StepVerdict
{
    /// <summary>Its gradients are accumulated; the step is not complete.</summary>
    Accumulated,

    /// <summary>The step is complete: the weights have changed, or the step was left out.</summary>
    Complete,

    /// <summary>The step must begin again with its first batch, in smaller parts.</summary>
    Retry,

    /// <summary>The training must go back to the last epoch's checkpoint.</summary>
    RollBack,

    /// <summary>A rank was asked to stop before it had its part of the batch, so that the step is not complete.</summary>
    Interrupted,
}
