namespace RobustTrain.Data;

/// <summary>Where a field's array stands in the slot of a batch.</summary>
/// <param name="Offset">The bytes before the field.</param>
/// <param name="SampleBytes">The bytes of one sample.</param>
internal readonly record struct FieldPlacement(long Offset, int SampleBytes);
