using System.ComponentModel;

namespace RobustTrain.Runs.Configuration;

/// <summary>Text files that list the file names of each split.</summary>
public sealed record SplitListsConfig
{
    /// <summary>The training split.</summary>
    [Description("List file of the training split.")]
    public string? Train { get; init; }

    /// <summary>The validation split.</summary>
    [Description("List file of the validation split.")]
    public string? Val { get; init; }

    /// <summary>The test split.</summary>
    [Description("List file of the test split.")]
    public string? Test { get; init; }
}
