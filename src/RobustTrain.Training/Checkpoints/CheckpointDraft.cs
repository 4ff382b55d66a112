using System.Text.Json;
using System.Text.Json.Nodes;
using RobustTrain.Training.Checkpoints.SafeTensors;
using static TorchSharp.torch;

namespace RobustTrain.Training.Checkpoints;

/// <summary>
/// A checkpoint in the host's memory. Filling it is all that the training waits for; writing it is disk work that can go on beside
/// the next steps. The memory is used again when the draft is filled again.
/// </summary>
public sealed class CheckpointDraft
{
    private readonly Dictionary<string, List<HostTensor>> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<(string File, string Name), byte[]> _memory = [];

    /// <summary>What goes into <c>state.json</c>.</summary>
    public JsonObject State { get; private set; } = [];

    /// <summary>The tensors of each file.</summary>
    public IReadOnlyDictionary<string, List<HostTensor>> Files => _files;

    /// <summary>Saves the parts of a training in place of what was there before.</summary>
    public void Fill(IReadOnlyCollection<ICheckpointState> parts)
    {
        Clear();
        foreach (ICheckpointState part in parts)
            part.Save(this);
    }

    /// <summary>Forgets the content and keeps the memory.</summary>
    public void Clear()
    {
        _files.Clear();
        State = [];
    }

    /// <summary>Opens a tensor file, which exists from then on even where no tensor is added to it.</summary>
    public void AddFile(string file) => _files.TryAdd(file, []);

    /// <summary>Copies a tensor, from whichever device it is on.</summary>
    public void Add(string file, string name, Tensor tensor)
    {
        using var scope = NewDisposeScope();
        Add(file, name, ElementFormats.FormatOf(tensor.dtype), tensor.shape, tensor.detach().cpu().contiguous().bytes);
    }

    /// <summary>Copies an integer as a tensor without dimensions.</summary>
    public void Add(string file, string name, long value) => Add(file, name, ElementFormat.I64, [], BitConverter.GetBytes(value));

    /// <summary>Copies a tensor that is in the host's memory already.</summary>
    public void Add(string file, string name, ElementFormat format, IReadOnlyList<long> shape, ReadOnlySpan<byte> bytes)
    {
        if (!_memory.TryGetValue((file, name), out byte[]? memory) || memory.Length != bytes.Length)
            _memory[(file, name)] = memory = GC.AllocateUninitializedArray<byte>(bytes.Length);
        bytes.CopyTo(memory);
        AddFile(file);
        _files[file].Add(new HostTensor(name, format, shape, memory));
    }

    /// <summary>Adds a value to <c>state.json</c>.</summary>
    public void Set<T>(string key, T value) => State[key] = JsonSerializer.SerializeToNode(value, CheckpointJson.Options);
}

/// <summary>
/// A part of the training that a checkpoint must hold so that the training goes on from it with the same bits.
/// Each part reads back exactly what it wrote; the checkpoint knows none of them.
/// </summary>
public interface ICheckpointState
{
    /// <summary>Copies the state into <paramref name="draft"/>; what happens to the part afterwards doesn't change the draft.</summary>
    void Save(CheckpointDraft draft);

    /// <summary>Takes the state over from <paramref name="archive"/>.</summary>
    /// <exception cref="CheckpointException">The checkpoint holds no such state, or one of another shape.</exception>
    void Load(CheckpointArchive archive);

    /// <summary>
    /// Begins a stage of the training with the checkpoint that ended the one before: takes over what outlasts a stage. What depends on
    /// settings that a stage may change begins anew, which is what this does where nothing else is said.
    /// </summary>
    /// <exception cref="CheckpointException">The checkpoint holds no such state, or one of another shape.</exception>
    void BeginStage(CheckpointArchive former)
    {
    }
}
