using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using RobustTrain.Dashboard.Journals;
using RobustTrain.Runs;

namespace RobustTrain.Dashboard.Catalog;

/// <summary>
/// The pictures of validation samples in <c>epochs/NNNN/pictures</c>. A request names them by their places in the index: no name of a file comes
/// from outside, and one in the index that is more than a name is not opened.
/// </summary>
internal static class RunPictures
{
    private const long MostIndexBytes = 4 << 20;
    private const long MostPictureBytes = 64 << 20;
    private const int MostEpochs = 100_000;

    /// <summary>The epochs that have pictures, in order; none where the run has none.</summary>
    public static IReadOnlyList<int> Epochs(string run)
    {
        string folder = Path.Combine(run, "epochs");
        if (!IsFolder(folder))
            return [];
        return [.. Directory.EnumerateDirectories(folder)
            .Where(epoch => int.TryParse(Path.GetFileName(epoch), NumberStyles.None, CultureInfo.InvariantCulture, out _) && IsFolder(epoch) && IsFolder(Path.Combine(epoch, "pictures")) && File.Exists(Path.Combine(epoch, "pictures", "index.json")))
            .Select(epoch => int.Parse(Path.GetFileName(epoch), CultureInfo.InvariantCulture))
            .Take(MostEpochs)
            .Order()];
    }

    /// <summary>What an epoch's pictures show.</summary>
    /// <exception cref="IOException">There are none, or their index can't be read.</exception>
    public static PictureIndex Index(string run, int epoch)
    {
        string path = Path.Combine(FolderOf(run, epoch), "index.json");
        try
        {
            return JsonSerializer.Deserialize(PlainFile.Read(path, MostIndexBytes), PictureJson.Default.PictureIndex) is { Samples: not null } index
                ? index with { Samples = [.. index.Samples.Where(sample => sample?.Pictures is not null)] }
                : throw new IOException($"The index '{path}' names no samples.");
        }
        catch (JsonException damaged)
        {
            throw new IOException($"The index '{path}' is damaged: {damaged.Message}", damaged);
        }
    }

    /// <summary>A picture, with its media type; null where there is no such picture.</summary>
    /// <param name="run">The run's folder.</param>
    /// <param name="epoch">The epoch.</param>
    /// <param name="sample">The sample's place in the index.</param>
    /// <param name="kind">What the picture shows, by the index.</param>
    /// <exception cref="IOException">It can't be read.</exception>
    public static (byte[] Content, string Type)? Picture(string run, int epoch, int sample, string kind)
    {
        PictureIndex index = Index(run, epoch);
        if (sample < 0 || sample >= index.Samples.Count || index.Samples[sample].Pictures.GetValueOrDefault(kind) is not { } name)
            return null;
        if (name is "" or "." or ".." || name.AsSpan().ContainsAny('/', '\\', ':') || name.Contains('\0'))
            throw new IOException($"The index of epoch {epoch} names a file outside of its folder.");
        byte[] content = PlainFile.Read(Path.Combine(FolderOf(run, epoch), name), MostPictureBytes);
        return TypeOf(content) is { } type ? (content, type) : throw new IOException($"'{name}' of epoch {epoch} is no PNG and no JPEG.");
    }

    private static string FolderOf(string run, int epoch)
    {
        string folder = RunFolder.EpochFolderOf(run, epoch);
        string pictures = Path.Combine(folder, "pictures");
        if (epoch < 0 || !IsFolder(Path.GetDirectoryName(folder)!) || !IsFolder(folder) || !IsFolder(pictures))
            throw new FileNotFoundException($"Epoch {epoch} has no pictures.");
        return pictures;
    }

    // A link might lead out of the run.
    private static bool IsFolder(string path) => new DirectoryInfo(path) is { Exists: true } folder && (folder.Attributes & FileAttributes.ReparsePoint) == 0;

    private static string? TypeOf(ReadOnlySpan<byte> content) =>
        content.Length > 8 && content[0] == 0x89 && content[1..4].SequenceEqual("PNG"u8) ? "image/png"
        : content.Length > 3 && content[0] == 0xFF && content[1] == 0xD8 && content[2] == 0xFF ? "image/jpeg"
        : null;
}

/// <summary>What pictures an epoch has.</summary>
/// <param name="Epoch">The epoch.</param>
/// <param name="Split">The split of the samples.</param>
/// <param name="Samples">The samples.</param>
internal sealed record PictureIndex(int Epoch, string? Split, IReadOnlyList<PictureSample> Samples);

/// <summary>A sample's pictures.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Scores">Its scores.</param>
/// <param name="Pictures">Files by what they show: input, truth, prediction, score.</param>
internal sealed record PictureSample(string? Name, IReadOnlyDictionary<string, double>? Scores, IReadOnlyDictionary<string, string> Pictures);

/// <summary>How an index is read.</summary>
[JsonSourceGenerationOptions(PropertyNameCaseInsensitive = true, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(PictureIndex))]
internal sealed partial class PictureJson : JsonSerializerContext;
