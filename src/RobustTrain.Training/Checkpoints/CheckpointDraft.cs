using System.Text.Json;
using System.Text.Json.Nodes;
using RobustTrain.Data;
using RobustTrain.Training.Checkpoints.Digests;
using RobustTrain.Training.Checkpoints.SafeTensors;
using static TorchSharp.torch;

namespace RobustTrain.Training.Checkpoints;

/// <summary>
/// A checkpoint in the host's memory. Filling it is all that the training waits for; writing it is disk work that can go on beside
/// the next steps. The memory is used again when the draft is filled again, and each file lies in it as it will on disk, so that it need
/// not be brought together for that.
/// </summary>
/// <param name="threads">The most threads that copy at once.</param>
internal sealed class CheckpointDraft(int threads = 1)
{
    // Less is copied sooner than it is shared out.
    private const int BytesOfBulk = 256 << 10;

    // Of one array; the tensors of a larger file lie in several.
    private const int LargestArray = 1 << 30;

    private readonly Dictionary<string, List<HostTensor>> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<(string File, string Name), Memory<byte>> _places = [];
    private readonly BulkCopy _bulk = new(threads);
    private bool _isMeasuring;
    private bool _isPlaced;

    /// <summary>What goes into <c>state.json</c>.</summary>
    public JsonObject State { get; private set; } = [];

    /// <summary>The tensors of each file.</summary>
    public IReadOnlyDictionary<string, List<HostTensor>> Files => _files;

    /// <summary>Saves the parts of a training in place of what was there before.</summary>
    public void Fill(IReadOnlyCollection<ICheckpointPart> parts)
    {
        if (!_isPlaced)
        {
            _isMeasuring = true;
            Save(parts);
            _isMeasuring = false;
            _places.Clear();
            foreach ((string file, List<HostTensor> tensors) in _files)
                Place(file, tensors);
            _isPlaced = true;
        }

        Save(parts);
        _bulk.Run();
    }

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

    /// <summary>Copies a tensor, from whichever device it is on; a large one by the end of <see cref="Fill"/>, until when it must not be changed.</summary>
    public void Add(string file, string name, Tensor tensor)
    {
        using var scope = NewDisposeScope();
        ElementFormat format = ElementFormats.FormatOf(tensor.dtype);
        if (_isMeasuring)
            Add(file, name, format, tensor.shape, []);
        else if (tensor.is_cpu() && tensor.is_contiguous() && tensor.bytes.Length is >= BytesOfBulk and int length)
            _bulk.Add(tensor, AddEmpty(file, name, format, tensor.shape, length));
        else
            Add(file, name, format, tensor.shape, tensor.detach().cpu().contiguous().bytes);
    }

    /// <summary>Copies an integer as a tensor without dimensions.</summary>
    public void Add(string file, string name, long value) => Add(file, name, ElementFormat.I64, [], BitConverter.GetBytes(value));

    /// <summary>Copies a tensor that is in the host's memory already.</summary>
    public void Add(string file, string name, ElementFormat format, IReadOnlyList<long> shape, ReadOnlySpan<byte> bytes)
    {
        Memory<byte> place = AddEmpty(file, name, format, shape, bytes.Length);
        if (!_isMeasuring)
            bytes.CopyTo(place.Span);
    }

    /// <summary>Adds a value to <c>state.json</c>.</summary>
    public void Set<T>(string key, T value) => State[key] = JsonSerializer.SerializeToNode(value, CheckpointJson.Options);

    private void Save(IReadOnlyCollection<ICheckpointPart> parts)
    {
        Clear();
        foreach (ICheckpointPart part in parts)
            part.Save(this);
    }

    /// <summary>Adds a tensor whose bytes are still to be put into the result.</summary>
    private Memory<byte> AddEmpty(string file, string name, ElementFormat format, IReadOnlyList<long> shape, int length)
    {
        Memory<byte> place = _isMeasuring ? default : PlaceOf(file, name, length);
        AddFile(file);
        _files[file].Add(new HostTensor(name, format, shape, place));
        return place;
    }

    private Memory<byte> PlaceOf(string file, string name, int length)
    {
        if (_places.TryGetValue((file, name), out Memory<byte> place) && place.Length == length)
            return place;

        // What a training saves has changed, as that of an optimiser does with its first step.
        _isPlaced = false;
        return GC.AllocateUninitializedArray<byte>(length);
    }

    private void Place(string file, List<HostTensor> tensors)
    {
        HostTensor[] ordered = SafeTensorsWriter.Ordered(tensors);
        long offset = SafeTensorsWriter.Header(ordered).Length;
        for (int next = 0; next < ordered.Length;)
        {
            int first = next;
            long length = 0;
            do
                length += ordered[next++].Length;
            while (next < ordered.Length && length + ordered[next].Length <= LargestArray);

            // A disk takes blocks of memory that begin where blocks of the file do.
            Memory<byte> memory = LargePages.AllocateManaged(checked((int)length), (int)(offset % AlignedMemory.BlockBytes));
            offset += length;
            foreach (HostTensor tensor in ordered[first..next])
            {
                _places[(file, tensor.Name)] = memory[..(int)tensor.Length];
                memory = memory[(int)tensor.Length..];
            }
        }
    }
}
