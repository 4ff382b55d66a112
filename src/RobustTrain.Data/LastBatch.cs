namespace RobustTrain.Data;

/// <summary>What becomes of the samples at the end of an epoch that do not make a whole batch.</summary>
public enum LastBatch
{
    /// <summary>They are delivered as a smaller batch.</summary>
    Keep,

    /// <summary>They are left out of this epoch.</summary>
    Drop,

    /// <summary>The batch is filled up with samples from the beginning of the epoch.</summary>
    Fill,
}
