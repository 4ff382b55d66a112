namespace RobustTrain.Data.Loading.Recovery;

/// <summary>What of a sample in quarantine decides which samples a stream delivers; the same however the sample was found out.</summary>
/// <param name="SampleIndex">Its index in the dataset.</param>
/// <param name="Sample">Its name.</param>
/// <param name="Epoch">The epoch in which this run met it; null where an earlier run had.</param>
/// <param name="Batch">The batch of that epoch that went without it.</param>
public sealed record QuarantineMark(int SampleIndex, string Sample, int? Epoch, int? Batch);
