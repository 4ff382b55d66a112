namespace RobustTrain.Data.Datasets;

/// <summary>The streams of a sample's randomness, one for each purpose, so that what one draws changes nothing for another.</summary>
internal static class SampleStreams
{
    /// <summary>Where it is cut out, how it is turned.</summary>
    public const uint Geometry = 0;

    /// <summary>Its images' colours.</summary>
    public const uint Color = 1;

    /// <summary>Whether and where it is cut out around change.</summary>
    public const uint Change = 2;
}
