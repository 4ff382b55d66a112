namespace RobustTrain.Data.Loading;

/// <summary>Where a sample may be loaded once there is no worker.</summary>
internal enum InPlaceVerdict
{
    /// <summary>In the consumer's thread.</summary>
    Here,

    /// <summary>Beside the consumer's thread, which it must not hold up.</summary>
    Aside,

    /// <summary>Nowhere in the consumer's process.</summary>
    Nowhere,
}
