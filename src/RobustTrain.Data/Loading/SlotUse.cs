namespace RobustTrain.Data.Loading;

/// <summary>Who has a slot.</summary>
internal enum SlotUse
{
    /// <summary>Nobody.</summary>
    Free,

    /// <summary>The workers.</summary>
    Published,

    /// <summary>The consumer.</summary>
    Held,

    /// <summary>Workers, for a stream that is gone: free once they have let go.</summary>
    Draining,
}
