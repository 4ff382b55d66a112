namespace RobustTrain.Data;

/// <summary>What becomes of a sample that can't be loaded, after it was tried again elsewhere.</summary>
public enum BadSamplePolicy
{
    /// <summary>The epoch ends with a <see cref="SampleException"/> where the sample is due.</summary>
    Fail,

    /// <summary>The batch goes without it, and the ledger names it; at most <see cref="LoaderOptions.MaxSkipped"/> of them.</summary>
    Skip,
}
