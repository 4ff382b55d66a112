using RobustTrain.Data;
using RobustTrain.Training.Native;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks;

/// <summary>
/// The fields of a batch as tensors on the training's device. On the CPU some lie in the batch's own memory, so they are used only
/// while the batch is held.
/// </summary>
public sealed class BatchTensors : IDisposable
{
    private readonly Dictionary<string, Tensor> _fields;

    private BatchTensors(IEnumerable<KeyValuePair<string, Tensor>> fields) => _fields = new(fields, StringComparer.Ordinal);

    /// <summary>All fields.</summary>
    public IEnumerable<Tensor> All => _fields.Values;

    /// <summary>A field by its name.</summary>
    public Tensor this[string field] => _fields[field];

    /// <summary>
    /// The batch's tensors on <paramref name="device"/>. On the CPU the images lie with the channels last, so that each convolution takes its
    /// input and gives its output as they are, instead of laying both out anew (docs/decisions/models.md).
    /// </summary>
    public static BatchTensors From(IBatch batch, IReadOnlyList<SampleField> fields, Device device)
    {
        BatchTensors host = Over(batch, fields);
        if (device.type == TorchSharp.DeviceType.CPU)
        {
            host.LayChannelsLast();
            return host;
        }

        using (host)
            return host.Placed(tensor => tensor.to(device));
    }

    /// <summary>Tensors by the names of their fields; they are disposed with this.</summary>
    public static BatchTensors Of(IEnumerable<KeyValuePair<string, Tensor>> fields) => new(fields);

    /// <summary>Tensors over the batch's own memory, as it was loaded.</summary>
    public static BatchTensors Over(IBatch batch, IReadOnlyList<SampleField> fields) =>
        new(fields.Select(field => KeyValuePair.Create(field.Name, OverMemory(batch[field.Name]))));

    /// <summary>What a function makes of each field.</summary>
    public BatchTensors Placed(Func<Tensor, Tensor> place) => new(_fields.Select(field => KeyValuePair.Create(field.Key, place(field.Value))));

    /// <summary>Some of the samples, as views.</summary>
    public BatchTensors Narrow(int start, int length) =>
        new(_fields.Select(field => KeyValuePair.Create(field.Key, field.Value.narrow(0, start, length))));

    /// <summary>Lays the images, which have four dimensions, out in the order N x H x W x C in memory (channels last).</summary>
    public void LayChannelsLast()
    {
        foreach ((string name, Tensor field) in _fields.Where(field => field.Value.dim() == 4).ToArray())
        {
            using Tensor turned = field.permute(0, 2, 3, 1);
            using Tensor dense = turned.contiguous();
            _fields[name] = dense.permute(0, 3, 1, 2);
            field.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor field in _fields.Values)
            field.Dispose();
    }

    private static Tensor OverMemory(BatchField field) => HostMemory.Tensor(
        field.Address,
        field.Type switch
        {
            ElementType.UInt8 => ScalarType.Byte,
            ElementType.Int64 => ScalarType.Int64,
            ElementType.Float32 => ScalarType.Float32,
            _ => throw new ArgumentOutOfRangeException(nameof(field), field.Type, $"The field {field.Name} has a type that torch doesn't know."),
        },
        [.. field.Shape]);
}
