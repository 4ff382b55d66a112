namespace RobustTrain.Training.Steps;

/// <summary>What became of a batch.</summary>
internal enum StepVerdict
{
    /// <summary>Its gradients are accumulated; the step is not complete.</summary>
    Accumulated,

    /// <summary>The step is complete: the weights have changed, or the step was left out.</summary>
    Complete,

    /// <summary>The step must begin again with its first batch, in smaller parts.</summary>
    BeginAgain,

    /// <summary>The training must go back to the last epoch's checkpoint.</summary>
    RollBack,
}
