namespace RobustTrain.Training.Checkpoints;

/// <summary>The place in a training at which the next batch is taken: with the seed, it fixes everything that is random after it.</summary>
/// <param name="Epoch">The epoch, from 0.</param>
/// <param name="Batch">The next batch of the epoch, from 0; equal to the number of batches where only validation is left.</param>
/// <param name="GlobalStep">The optimiser steps taken since the run began.</param>
public sealed record TrainingCursor(int Epoch, int Batch, long GlobalStep)
{
    /// <summary>The beginning of a run.</summary>
    public static TrainingCursor Start { get; } = new(0, 0, 0);
}
