namespace RobustTrain.Data;

/// <summary>What all randomness of a sample is a pure function of.</summary>
/// <param name="Seed">The seed of the data stream.</param>
/// <param name="Epoch">The epoch, from 0.</param>
/// <param name="Index">The sample's index in the dataset.</param>
public readonly record struct SampleKey(long Seed, int Epoch, int Index);
