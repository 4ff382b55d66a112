

namespace RobustTrain.SampleData;

/// <summary>What sample data is made, and where.</summary>
public sealed record SampleDatasetOptions
{
    /// <summary>The folder to make; it must not exist or be empty.</summary>
    public required string Path { get; init; }

    /// <summary>The same seed gives the same bytes.</summary>
    public long Seed { get; init; }

    /// <summary>The share of each scene that is built up between the dates, 0.01 to 0.2.</summary>
    public double ChangeShare { get; init; } = 0.06;
}
