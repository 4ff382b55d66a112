using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using RobustTrain.Runs;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Training.Checkpoints;

/// <summary>
/// <c>manifest.json</c> of a checkpoint: what it is, and the size and digest of each of its files. It is written last,
/// so a folder without one is no checkpoint.
/// </summary>
public sealed record CheckpointManifest
{
    /// <summary>The format that this version writes: the SHA-256 of each whole file.</summary>
    public const int CurrentFormat = 1;

    /// <summary>The newest format that this version reads. In format 2 a file's digest is made of those of its pieces.</summary>
    public const int NewestFormat = 2;

    /// <summary>The format of the checkpoint.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>The run that wrote it.</summary>
    public required string RunId { get; init; }

    /// <summary>Its place among the checkpoints of the run in the order in which they were written, from 1.</summary>
    public required long Sequence { get; init; }

    /// <summary>When it was taken, UTC.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>The network whose weights it holds.</summary>
    public required ModelIdentity Model { get; init; }

    /// <summary>Where the training goes on.</summary>
    public required TrainingCursor Cursor { get; init; }

    /// <summary>The epoch that it completes, from 0; null where it was taken within an epoch.</summary>
    public int? CompletedEpoch { get; init; }

    /// <summary>The aggregated validation scores of the completed epoch, where validation was due.</summary>
    public IReadOnlyDictionary<string, double>? Scores { get; init; }

    /// <summary>Whether its weights were the best so far when it was written.</summary>
    public bool IsBest { get; init; }

    /// <summary>Every other file of the checkpoint by name.</summary>
    public required IReadOnlyDictionary<string, CheckpointFile> Files { get; init; }
}

/// <summary>What a manifest says of one file of its checkpoint.</summary>
/// <param name="Bytes">The file's size.</param>
/// <param name="Sha256">The SHA-256 of its content, in lower-case hexadecimal; null in manifests of format 2.</param>
/// <param name="PiecesSha256">
/// Only in manifests of format 2: the SHA-256 of the list of the SHA-256 of its pieces, as
/// <c>split -b 128K --filter=sha256sum FILE | sha256sum</c> prints it.
/// </param>
public sealed record CheckpointFile(
    long Bytes,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Sha256 = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? PiecesSha256 = null);

/// <summary>What makes the weights of two networks interchangeable. A size that is null is not known, or the network has none.</summary>
/// <param name="Name">The architecture.</param>
/// <param name="InChannels">Channels of one image.</param>
/// <param name="Classes">Classes of the label.</param>
/// <param name="BaseChannels">Channels of the first stage.</param>
public sealed record ModelIdentity(string Name, int InChannels, int Classes, int BaseChannels)
{
    /// <summary>By how much it enlarges images.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Scale { get; init; }

    /// <summary>Features of its body.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Features { get; init; }

    /// <summary>Blocks of its body.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Blocks { get; init; }

    /// <summary>The residual network below it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Backbone { get; init; }

    /// <summary>How it begins.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Stem { get; init; }

    private (string Key, object? Value)[] Sizes =>
    [
        ("in_channels", InChannels), ("classes", Classes), ("base_channels", BaseChannels),
        ("scale", Scale), ("features", Features), ("blocks", Blocks), ("backbone", Backbone), ("stem", Stem),
    ];

    /// <summary>The identity of the network that a configuration asks for. A file of the user's own is known by its content.</summary>
    /// <param name="model">The configuration, complete.</param>
    /// <param name="keys">The keys that the network goes by.</param>
    /// <exception cref="RunException">The file can't be read.</exception>
    public static ModelIdentity Of(ModelConfig model, IReadOnlyList<string> keys) => model.Path is { } path
        ? new(NameOf(path), model.InChannels, model.Classes, BaseChannels: 0)
        : new(model.Name, model.InChannels, model.Classes, model.BaseChannels)
        {
            Scale = keys.Contains("scale") ? model.Scale : null,
            Features = keys.Contains("features") ? model.Features : null,
            Blocks = keys.Contains("blocks") ? model.Blocks : null,
            Backbone = keys.Contains("backbone") ? model.Backbone : null,
            Stem = keys.Contains("stem") ? model.Stem : null,
        };

    /// <summary>In which sizes another network differs, as the end of a sentence; null where in none. What one of them does not know is no difference.</summary>
    /// <param name="expected">The network that the configuration asks for.</param>
    public string? DifferenceTo(ModelIdentity expected)
    {
        (string Key, object? Found, object? Expected)[] differing =
        [
            .. Sizes.Zip(expected.Sizes, (mine, theirs) => (mine.Key, Found: mine.Value, Expected: theirs.Value))
                .Where(size => size.Found is not null && size.Expected is not null && !size.Found.Equals(size.Expected)),
        ];
        if (Name != expected.Name)
            return $"it holds {this}, but the configuration asks for {expected}";
        return differing.Length == 0
            ? null
            : $"it holds {Describe(differing.Select(size => (size.Key, size.Found)))}, but the configuration asks for {Describe(differing.Select(size => (size.Key, size.Expected)))}";
    }

    /// <summary>The identity as people read it.</summary>
    public override string ToString() => Describe(Sizes.Where(size => size.Value is not null));

    private string Describe(IEnumerable<(string Key, object? Value)> sizes) => $"{Name} ({string.Join(", ", sizes.Select(size => $"{size.Key} {size.Value}"))})";

    private static string NameOf(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            return $"torchscript:{Convert.ToHexStringLower(SHA256.HashData(file))[..16]}";
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new RunException(ExitCode.Configuration, "ModelFileNotFound", $"model.path is '{Path.GetFullPath(path)}', but {(File.Exists(path) ? "that file can't be read" : "there is no such file")}; a TorchScript file is expected, as torch.jit.save writes it.", path, unreadable);
        }
    }
}

/// <summary>How the JSON files of checkpoints and epochs are written: snake case, indented, NaN and infinity as named strings.</summary>
internal static class CheckpointJson
{
    public static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
        NewLine = "\n",
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };
}

/// <summary>The place in a training at which the next batch is taken: with the seed, it fixes everything that is random after it.</summary>
/// <param name="Epoch">The epoch, from 0.</param>
/// <param name="Batch">The next batch of the epoch, from 0; equal to the number of batches where only validation is left.</param>
/// <param name="GlobalStep">The optimiser steps taken since the run began.</param>
public sealed record TrainingCursor(int Epoch, int Batch, long GlobalStep)
{
    /// <summary>The beginning of a run.</summary>
    public static TrainingCursor Start { get; } = new(0, 0, 0);
}

/// <summary>A checkpoint on disk whose manifest has been read; its files have not been verified yet.</summary>
/// <param name="Path">The checkpoint's folder.</param>
/// <param name="Manifest">Its manifest.</param>
public sealed record Checkpoint(string Path, CheckpointManifest Manifest)
{
    /// <summary>The name of the manifest's file.</summary>
    public const string ManifestFile = "manifest.json";

    /// <summary>The name of the weights' file: the module's <c>state_dict</c> under its own names, readable by any safetensors library.</summary>
    public const string WeightsFile = "weights.safetensors";

    /// <summary>The name of the file with the moving average of the weights, where one is kept.</summary>
    public const string AverageFile = "average.safetensors";

    /// <summary>The name of the optimiser's file.</summary>
    public const string OptimizerFile = "optimizer.safetensors";

    /// <summary>A discriminator's weights and buffers, where the training has one.</summary>
    public const string DiscriminatorFile = "discriminator.safetensors";

    /// <summary>The state of its optimiser.</summary>
    public const string DiscriminatorOptimizerFile = "discriminator-optimizer.safetensors";

    /// <summary>The name of the file with everything that is no tensor.</summary>
    public const string StateFile = "state.json";

    /// <summary>The bytes of its files, without the manifest.</summary>
    public long Bytes => Manifest.Files.Values.Sum(file => file.Bytes);
}

/// <summary>Which checkpoint of a run is meant.</summary>
public enum CheckpointChoice
{
    /// <summary>The one with the best validation score.</summary>
    Best,

    /// <summary>The newest.</summary>
    Latest,
}
