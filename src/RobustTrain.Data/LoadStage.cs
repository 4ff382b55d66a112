namespace RobustTrain.Data;

/// <summary>What a worker does with a sample.</summary>
public enum LoadStage
{
    /// <summary>Whatever belongs to no other stage.</summary>
    Other,

    /// <summary>Reading a file.</summary>
    Read,

    /// <summary>Decoding an image.</summary>
    Decode,

    /// <summary>Augmenting, and writing the sample into its batch.</summary>
    Augment,
}
