using RobustTrain.Data;
using RobustTrain.Training.Prefetching;
using RobustTrain.Training.Native;
using static TorchSharp.torch;

namespace RobustTrain.Training.Steps;

/// <summary>
/// A batch of image pairs as tensors on the training's device: two images N x C x H x W (float32) and a label N x H x W.
/// On the CPU some lie in the batch's own memory, so they are used only while the batch is held.
/// </summary>
internal sealed class BatchTensors : IDisposable
{
    /// <summary>The field of the earlier image.</summary>
    public const string Image1Field = "image1";

    /// <summary>The field of the later image.</summary>
    public const string Image2Field = "image2";

    /// <summary>The field of the label.</summary>
    public const string LabelField = "label";

    private BatchTensors(Tensor image1, Tensor image2, Tensor label)
    {
        Image1 = image1;
        Image2 = image2;
        Label = label;
    }

    /// <summary>The earlier images.</summary>
    public Tensor Image1 { get; }

    /// <summary>The later images.</summary>
    public Tensor Image2 { get; }

    /// <summary>The classes of the pixels.</summary>
    public Tensor Label { get; }

    /// <summary>All three.</summary>
    public IEnumerable<Tensor> All => [Image1, Image2, Label];

    /// <summary>
    /// The batch's tensors on <paramref name="device"/>. On the CPU the images lie with the channels last, so that each convolution takes its
    /// input and gives its output as they are, instead of laying both out anew (docs/decisions/models.md).
    /// </summary>
    public static BatchTensors From(IBatch batch, Device device)
    {
        if (batch is DeviceBatch ready)
            return ready.Take();
        if (device.type == TorchSharp.DeviceType.CPU)
            return Over(batch).ToChannelsLast();
        using BatchTensors host = Over(batch);
        return host.Placed(tensor => tensor.to(device));
    }

    /// <summary>Tensors over the batch's own memory, as it was loaded.</summary>
    public static BatchTensors Over(IBatch batch) => new(Field(batch, Image1Field), Field(batch, Image2Field), Field(batch, LabelField));

    /// <summary>What a function makes of each of the three.</summary>
    public BatchTensors Placed(Func<Tensor, Tensor> place) => new(place(Image1), place(Image2), place(Label));

    /// <summary>The same values with the images in the order N x H x W x C in memory (channels last), in place of these.</summary>
    public BatchTensors ToChannelsLast()
    {
        BatchTensors relaid = new(ToChannelsLast(Image1), ToChannelsLast(Image2), Label);
        Image1.Dispose();
        Image2.Dispose();
        return relaid;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Image1.Dispose();
        Image2.Dispose();
        Label.Dispose();
    }

    private static Tensor ToChannelsLast(Tensor images)
    {
        using Tensor turned = images.permute(0, 2, 3, 1);
        using Tensor dense = turned.contiguous();
        return dense.permute(0, 3, 1, 2);
    }

    private static Tensor Field(IBatch batch, string name)
    {
        BatchField field = batch[name];
        ScalarType type = field.Type switch
        {
            ElementType.UInt8 => ScalarType.Byte,
            ElementType.Int64 => ScalarType.Int64,
            ElementType.Float32 => ScalarType.Float32,
            _ => throw new ArgumentOutOfRangeException(nameof(batch), field.Type, $"The field {name} has a type that torch doesn't know."),
        };
        return HostMemory.Tensor(field.Address, type, [.. field.Shape]);
    }
}
