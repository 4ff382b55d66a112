using RobustTrain.Data.Datasets;
using RobustTrain.Training.Checkpoints;

namespace RobustTrain.Host.Jobs;

/// <summary>What the command line asks of an evaluation.</summary>
/// <param name="Path">A run's folder or a checkpoint's.</param>
/// <param name="ConfigPath">The configuration, for a checkpoint that lies in no run; else the run's own.</param>
/// <param name="Settings">Settings that win over the configuration.</param>
/// <param name="DataPath">Another data set's folder.</param>
/// <param name="Split">The split to score.</param>
/// <param name="Choice">Which checkpoint of a run.</param>
/// <param name="Device">Another device.</param>
/// <param name="WithBaseline">Whether thresholded differencing is measured beside it.</param>
/// <param name="WithTrainedBaseline">Whether it is measured with the threshold that is best on the training split.</param>
/// <param name="AsJson">Whether one JSON object is printed in place of a table.</param>
/// <param name="HasLifeLine">Whether standard input is the parent's life line.</param>
internal sealed record EvaluateRequest(
    string Path,
    string? ConfigPath,
    IReadOnlyList<string> Settings,
    string? DataPath,
    DatasetSplit Split,
    CheckpointChoice Choice,
    string? Device,
    bool WithBaseline,
    bool WithTrainedBaseline,
    bool AsJson,
    bool HasLifeLine);
