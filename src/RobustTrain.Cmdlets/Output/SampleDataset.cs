using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Output;

/// <summary>Sample data as New-SampleDataset has made it.</summary>
/// <param name="Path">Its folder.</param>
/// <param name="Scenes">Its scenes, each two images and a label, or other parts.</param>
/// <param name="Seed">The seed that makes the same bytes again.</param>
/// <param name="ChangedPercent">The share of changed pixels in the test split, 0 to 100; null where the task is not change-detection.</param>
/// <param name="DifferencingF1">The best F1 that thresholded differencing reaches on the test split: what a network has to beat; null where the task is not change-detection.</param>
/// <param name="DurationSeconds">How long it took.</param>
public sealed record SampleDataset(string Path, int Scenes, long Seed, double? ChangedPercent, double? DifferencingF1, double DurationSeconds)
{
    /// <summary>The same folder under the name of Start-Training's and Measure-Model's parameter.</summary>
    public string DataPath => Path;

    /// <summary>The task that it is for.</summary>
    public string Task { get; init; } = "";

    internal static SampleDataset From(SampleDataFinished finished) =>
        new(finished.Path, finished.Scenes, finished.Seed, 100 * finished.ChangedShare, finished.DifferencingF1, finished.DurationSeconds) { Task = finished.Task };
}
