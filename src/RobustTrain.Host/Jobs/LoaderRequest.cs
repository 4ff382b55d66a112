using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Loading;

namespace RobustTrain.Host.Jobs;

/// <summary>What <c>robusttrain loader</c> is asked for.</summary>
/// <param name="ConfigPath">The configuration file; null for the defaults.</param>
/// <param name="Settings">Keys set on the command line.</param>
/// <param name="Images">A folder of images in place of the configuration's data.</param>
/// <param name="Integers">So many integers in place of data.</param>
/// <param name="CropSize">The side of the crops of images.</param>
/// <param name="Workers">Numbers of workers, null finds one; empty for the configuration's.</param>
/// <param name="Kinds">Kinds of workers; empty for the configuration's.</param>
/// <param name="Epochs">Epochs of each measurement.</param>
/// <param name="Split">The split to load.</param>
/// <param name="Faults">Faults to inject; null for none.</param>
/// <param name="DecodeOnly">Whether files are decoded by no loader at all.</param>
/// <param name="HasLifeLine">Whether standard input is the parent's life line.</param>
internal sealed record LoaderRequest(
    string? ConfigPath,
    IReadOnlyList<string> Settings,
    string? Images,
    int? Integers,
    int CropSize,
    IReadOnlyList<int?> Workers,
    IReadOnlyList<WorkerKind> Kinds,
    int Epochs,
    DatasetSplit Split,
    FaultPlan? Faults,
    bool DecodeOnly,
    bool HasLifeLine);
