using System.Text.Json;
using System.Text.Json.Nodes;
using RobustTrain.Training.Checkpoints.SafeTensors;
using static TorchSharp.torch;

namespace RobustTrain.Training.Checkpoints;

/// <summary>A checkpoint that has been verified: every file has the size and the digest that the manifest names.</summary>
public sealed class CheckpointArchive
{
    private readonly JsonObject _state;

    private CheckpointArchive(Checkpoint checkpoint, JsonObject state)
    {
        Checkpoint = checkpoint;
        _state = state;
    }

    /// <summary>The checkpoint.</summary>
    public Checkpoint Checkpoint { get; }

    /// <summary>Opens a checkpoint and verifies each of its files.</summary>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <exception cref="CheckpointException">A file is missing or doesn't have the bytes that the manifest promises.</exception>
    public static CheckpointArchive Open(Checkpoint checkpoint)
    {
        foreach ((string name, CheckpointFile expected) in checkpoint.Manifest.Files)
            Verify(Path.Combine(checkpoint.Path, name), expected);

        string path = Path.Combine(checkpoint.Path, Checkpoint.StateFile);
        try
        {
            return new CheckpointArchive(checkpoint, JsonNode.Parse(File.ReadAllBytes(path))!.AsObject());
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException or IOException)
        {
            throw Damaged(path, "it is not the JSON object that it should be", broken);
        }
    }

    /// <summary>Whether the checkpoint has a tensor file.</summary>
    public bool Has(string file) => Checkpoint.Manifest.Files.ContainsKey(file);

    /// <summary>Opens a tensor file; the caller disposes it.</summary>
    /// <exception cref="CheckpointException">The checkpoint has no such file, or it breaks the format.</exception>
    public SafeTensorsReader OpenTensors(string file)
    {
        string path = Path.Combine(Checkpoint.Path, file);
        try
        {
            return SafeTensorsReader.Open(path);
        }
        catch (SafeTensorsException broken)
        {
            throw Damaged(path, "it is not a valid safetensors file", broken);
        }
        catch (IOException unreadable)
        {
            throw Damaged(path, "it can't be read", unreadable);
        }
    }

    /// <summary>A value of <c>state.json</c>.</summary>
    /// <exception cref="CheckpointException">There is no such value, or it has another type.</exception>
    public T Get<T>(string key) =>
        Find<T>(key) ?? throw Damaged(Path.Combine(Checkpoint.Path, Checkpoint.StateFile), $"it has no '{key}'");

    /// <summary>A value of <c>state.json</c>, or the default where there is none.</summary>
    /// <exception cref="CheckpointException">The value has another type.</exception>
    public T? Find<T>(string key)
    {
        try
        {
            return _state[key] is { } node ? node.Deserialize<T>(CheckpointJson.Options) : default;
        }
        catch (JsonException broken)
        {
            throw Damaged(Path.Combine(Checkpoint.Path, Checkpoint.StateFile), $"its '{key}' is not what it should be", broken);
        }
    }

    /// <summary>Copies a tensor of an open file into <paramref name="target"/>, which must have its shape and type.</summary>
    /// <exception cref="CheckpointException">The tensor is missing, or of another shape or type.</exception>
    public void CopyTo(SafeTensorsReader file, string name, Tensor target) => HostTensors.Copy(file, name, target, OtherModel);

    /// <summary>Reads an integer that was added as a tensor without dimensions.</summary>
    /// <exception cref="CheckpointException">The integer is missing, or the entry is not an integer without dimensions.</exception>
    public long ReadInteger(SafeTensorsReader file, string name) =>
        file.Entries.TryGetValue(name, out SafeTensorsEntry? entry) && entry is { Format: ElementFormat.I64, Shape: [] }
            ? BitConverter.ToInt64(file.Read(name))
            : throw OtherModel($"it has no integer '{name}'");

    /// <summary>Says that the checkpoint doesn't belong to the network at hand.</summary>
    public CheckpointException OtherModel(string difference) =>
        new(CheckpointException.OtherModel, $"The checkpoint {Checkpoint.Path} is of another model: {difference}.", Checkpoint.Path);

    private static void Verify(string path, CheckpointFile expected)
    {
        try
        {
            if (DigestedFile.FindDamage(path, expected) is { } damage)
                throw Damaged(path, damage);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw Damaged(path, unreadable is FileNotFoundException ? "it is missing" : "it can't be read", unreadable);
        }
    }

    private static CheckpointException Damaged(string path, string problem, Exception? cause = null) =>
        new(CheckpointException.Damaged, $"The checkpoint file {path} is damaged: {problem}.", path, cause);
}

/// <summary>Copies tensors from files to where the network is.</summary>
internal static class HostTensors
{
    /// <summary>Copies a tensor of an open file into <paramref name="target"/>, which must have its shape and type.</summary>
    /// <param name="file">The file.</param>
    /// <param name="name">The tensor's name.</param>
    /// <param name="target">Where the values go.</param>
    /// <param name="mismatch">Makes the exception from the difference, the end of a sentence.</param>
    public static void Copy(SafeTensorsReader file, string name, Tensor target, Func<string, Exception> mismatch)
    {
        if (!file.Entries.TryGetValue(name, out SafeTensorsEntry? entry))
            throw mismatch($"it has no tensor '{name}'");
        if (!entry.Shape.SequenceEqual(target.shape) || entry.Format.ScalarTypeOf() != target.dtype)
        {
            throw mismatch(
                $"its tensor '{name}' is {entry.Format} [{string.Join(", ", entry.Shape)}] instead of {ElementFormats.FormatOf(target.dtype)} [{string.Join(", ", target.shape)}]");
        }

        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor host = empty(target.shape, target.dtype);
        host.bytes = file.Read(name);
        target.copy_(host);
    }
}
