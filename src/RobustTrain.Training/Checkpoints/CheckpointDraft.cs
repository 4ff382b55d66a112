using System.Text.Json;
using System.Text.Json.Nodes;
using RobustTrain.Training.Checkpoints.SafeTensors;
using static TorchSharp.torch;

namespace RobustTrain.Training.Checkpoints;

/// <summary>
/// A checkpoint in the host's memory. Filling it is all that the training waits for; writing it is disk work that can go on beside
/// the next steps. The memory is used again when the draft is filled again.
/// </summary>
internal sealed class CheckpointDraft
{
    private readonly Dictionary<string, List<HostTensor>> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<(string File, string Name), byte[]> _memory = [];

    /// <summary>What goes into <c>state.json</c>.</summary>
    public JsonObject State { get; private set; } = [];

    /// <summary>The tensors of each file.</summary>
    public IReadOnlyDictionary<string, List<HostTensor>> Files => _files;

    /// <summary>Forgets the content and keeps the memory.</summary>
    public void Clear()
    {
        _files.Clear();
        State = [];
    }

    /// <summary>Opens a tensor file, which exists from then on even where no tensor is added to it.</summary>
    public void AddFile(string file)
    {
        if (!_files.ContainsKey(file))
            _files.Add(file, []);
    }

    /// <summary>Copies a tensor, from whichever device it is on.</summary>
    public void Add(string file, string name, Tensor tensor)
    {
        using var scope = NewDisposeScope();
        Tensor host = tensor.detach().cpu().contiguous();
        Span<byte> bytes = host.bytes;
        byte[] data = Memory(file, name, bytes.Length);
        bytes.CopyTo(data);
        Add(file, new HostTensor(name, ElementFormats.FormatOf(host.dtype), host.shape, data));
    }

    /// <summary>Adds an integer as a tensor without dimensions.</summary>
    public void Add(string file, string name, long value) =>
        Add(file, new HostTensor(name, ElementFormat.I64, [], BitConverter.GetBytes(value)));

    /// <summary>Adds a value to <c>state.json</c>.</summary>
    public void Set<T>(string key, T value) => State[key] = JsonSerializer.SerializeToNode(value, CheckpointJson.Options);

    /// <summary>Adds a tensor that is in the host's memory already.</summary>
    public void Add(string file, HostTensor tensor)
    {
        AddFile(file);
        _files[file].Add(tensor);
    }

    private byte[] Memory(string file, string name, int length)
    {
        if (!_memory.TryGetValue((file, name), out byte[]? data) || data.Length != length)
            _memory[(file, name)] = data = GC.AllocateUninitializedArray<byte>(length);
        return data;
    }
}
