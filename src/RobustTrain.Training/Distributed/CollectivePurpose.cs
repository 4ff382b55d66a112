namespace RobustTrain.Training.Distributed;

/// <summary>What a collective is for and in which step, so that a lost rank can be named with what it was awaited in.</summary>
/// <param name="Name">In words: <c>gradients</c>, <c>agreement</c>, <c>scores</c>.</param>
/// <param name="Step">The run's step; 0 before the first.</param>
public readonly record struct CollectivePurpose(string Name, long Step);
