namespace RobustTrain.Data.Loading.Ledger;

/// <summary>Something happened to a worker or a sample.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Message">One sentence for people.</param>
public sealed record LoaderEvent(LoaderEventKind Kind, string Message)
{
    /// <summary>The worker's name, as in <c>process-1</c>; null where none is at fault.</summary>
    public string? Worker { get; init; }

    /// <summary>The worker's process; null for threads.</summary>
    public int? ProcessId { get; init; }

    /// <summary>The epoch that was loaded; null between epochs.</summary>
    public int? Epoch { get; init; }

    /// <summary>The sample's index in the dataset; null where no sample is concerned.</summary>
    public int? SampleIndex { get; init; }

    /// <summary>The sample's name; null where no sample is concerned.</summary>
    public string? Sample { get; init; }
}
