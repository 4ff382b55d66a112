namespace RobustTrain.Training.Steps;

/// <summary>What a training step did.</summary>
/// <param name="Loss">The loss of its samples, before the step.</param>
/// <param name="LearningRate">The rate with which it changed the weights.</param>
/// <param name="Samples">The number of its samples.</param>
internal readonly record struct StepResult(float Loss, double LearningRate, int Samples);
