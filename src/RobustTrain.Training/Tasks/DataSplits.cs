using System.Security.Cryptography;
using System.Text;
using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Runs;

namespace RobustTrain.Training.Tasks;

/// <summary>The datasets of a training.</summary>
/// <param name="Training">What is learned from, augmented.</param>
/// <param name="Validation">What decides which epoch is best.</param>
/// <param name="Test">What the best epoch is tested on.</param>
public sealed record DataSplits(IDataset Training, IDataset Validation, IDataset Test)
{
    /// <summary>The named parts of <see cref="Validation"/>; none where the configuration makes none.</summary>
    public IReadOnlyList<ValidationSet> ValidationSets { get; init; } = [];
}

/// <summary>A named part of the validation split, with scores of its own.</summary>
/// <param name="Name">The name that the configuration gives it.</param>
/// <param name="Samples">The names of its samples.</param>
public sealed record ValidationSet(string Name, IReadOnlySet<string> Samples);

/// <summary>The splits' names in events, files and messages.</summary>
internal static class SplitNames
{
    /// <summary>The name of a split.</summary>
    public static string Of(DatasetSplit split) => split switch
    {
        DatasetSplit.Train => "training",
        DatasetSplit.Val => "validation",
        DatasetSplit.Test => "test",
        _ => throw new ArgumentOutOfRangeException(nameof(split), split, "There is no such split."),
    };
}

/// <summary>What a run notes of its data, to know them again under another path.</summary>
public static class SplitRecords
{
    /// <summary>Notes the names of all samples and the sizes of their files.</summary>
    /// <returns>A record for each split; null where the data lie in no files.</returns>
    public static IReadOnlyList<SplitRecord>? Of(DataSplits data)
    {
        (DatasetSplit Split, IDataset Dataset)[] splits = [(DatasetSplit.Train, data.Training), (DatasetSplit.Val, data.Validation), (DatasetSplit.Test, data.Test)];
        return splits.All(split => split.Dataset is IFileBackedDataset)
            ? [.. splits.Select(split => Of(SplitNames.Of(split.Split), (IFileBackedDataset)split.Dataset))]
            : null;
    }

    private static SplitRecord Of(string split, IFileBackedDataset dataset)
    {
        using IncrementalHash digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Dictionary<string, long> sizes = new(StringComparer.Ordinal);
        for (int index = 0; index < dataset.Count; index++)
        {
            // Crops of one scene share its files.
            long[] own = [.. dataset.FilesOf(index).Select(file => sizes.TryGetValue(file, out long known) ? known : sizes[file] = SizeOf(file))];
            digest.AppendData(Encoding.UTF8.GetBytes(FormattableString.Invariant($"{dataset.NameOf(index)}\0{string.Join(' ', own)}\n")));
        }

        return new SplitRecord(split, dataset.Count, sizes.Values.Sum(), Convert.ToHexStringLower(digest.GetHashAndReset()));
    }

    // A link's own length is not its file's.
    private static long SizeOf(string file)
    {
        FileInfo info = new(file);
        return ((FileInfo?)info.ResolveLinkTarget(returnFinalTarget: true) ?? info).Length;
    }
}
