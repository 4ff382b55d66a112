using System.Globalization;
using System.Reflection;
using System.Text;
using Google.Protobuf;

namespace RobustTrain.Training.Onnx;

/// <summary>
/// Those of ONNX's messages that a network needs, by the field numbers of onnx.proto
/// (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), each as the bytes of its fields.
/// </summary>
internal static class OnnxMessages
{
    /// <summary>TensorProto.DataType.FLOAT.</summary>
    public const int Float = 1;

    /// <summary>TensorProto.DataType.INT64.</summary>
    public const int Int64 = 7;

    /// <summary>A ModelProto.</summary>
    public static byte[] Model(byte[] graph, int opset, IReadOnlyDictionary<string, string> metadata) => Message(model =>
    {
        // The version of the format in which each version of the operator set came (onnx/docs/Versioning.md).
        model.Number(1, opset switch { <= 14 => 7, <= 18 => 8, <= 20 => 9, _ => 10 });
        model.Text(2, "RobustTrain");
        model.Text(3, typeof(OnnxMessages).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion);
        model.Bytes(7, graph);
        model.Bytes(8, Message(set => set.Number(2, opset)));
        foreach ((string key, string value) in metadata)
        {
            model.Bytes(14, Message(pair =>
            {
                pair.Text(1, key);
                pair.Text(2, value);
            }));
        }
    });

    /// <summary>A GraphProto.</summary>
    public static byte[] Graph(string name, List<byte[]> nodes, List<byte[]> initializers, List<byte[]> inputs, List<byte[]> outputs) => Message(graph =>
    {
        nodes.ForEach(node => graph.Bytes(1, node));
        graph.Text(2, name);
        initializers.ForEach(initializer => graph.Bytes(5, initializer));
        inputs.ForEach(input => graph.Bytes(11, input));
        outputs.ForEach(output => graph.Bytes(12, output));
    });

    /// <summary>A NodeProto.</summary>
    public static byte[] Node(string op, string name, IReadOnlyList<string> inputs, string output, IReadOnlyList<(string Name, object Value)> attributes) => Message(node =>
    {
        foreach (string input in inputs)
            node.Text(1, input);
        node.Text(2, output);
        node.Text(3, name);
        node.Text(4, op);
        foreach ((string attribute, object value) in attributes)
            node.Bytes(5, Attribute(attribute, value));
    });

    /// <summary>A TensorProto.</summary>
    public static byte[] Tensor(string name, int type, IReadOnlyList<long> shape, ReadOnlySpan<byte> data)
    {
        byte[] bytes = data.ToArray();
        return Message(tensor =>
        {
            foreach (long side in shape)
                tensor.Number(1, side);
            tensor.Number(2, type);
            tensor.Text(8, name);
            tensor.Bytes(9, bytes);
        });
    }

    /// <summary>A ValueInfoProto of floats; a side that is no number is the name of one that is left open.</summary>
    public static byte[] Value(string name, IEnumerable<string> shape)
    {
        byte[] sides = Message(list =>
        {
            foreach (string side in shape)
            {
                list.Bytes(1, Message(dimension =>
                {
                    if (long.TryParse(side, NumberStyles.None, CultureInfo.InvariantCulture, out long number))
                        dimension.Number(1, number);
                    else
                        dimension.Text(2, side);
                }));
            }
        });
        byte[] tensor = Message(type =>
        {
            type.Number(1, Float);
            type.Bytes(2, sides);
        });
        return Message(value =>
        {
            value.Text(1, name);
            value.Bytes(2, Message(type => type.Bytes(1, tensor)));
        });
    }

    // An AttributeProto, its type last.
    private static byte[] Attribute(string name, object value) => Message(attribute =>
    {
        attribute.Text(1, name);
        switch (value)
        {
            case float number:
                attribute.Single(2, number);
                attribute.Number(20, 1);
                break;
            case long number:
                attribute.Number(3, number);
                attribute.Number(20, 2);
                break;
            case string text:
                attribute.Bytes(4, Encoding.UTF8.GetBytes(text));
                attribute.Number(20, 3);
                break;
            case long[] numbers:
                foreach (long number in numbers)
                    attribute.Number(8, number);
                attribute.Number(20, 7);
                break;
            default:
                throw new ArgumentException($"The attribute {name} has the type {value.GetType()}.", nameof(value));
        }
    });

    private static byte[] Message(Action<Fields> write)
    {
        using MemoryStream bytes = new();
        using (CodedOutputStream output = new(bytes, leaveOpen: true))
            write(new Fields(output));
        return bytes.ToArray();
    }

    /// <summary>Writes fields by their numbers.</summary>
    private readonly struct Fields(CodedOutputStream output)
    {
        public void Number(int field, long value)
        {
            output.WriteTag(field, WireFormat.WireType.Varint);
            output.WriteInt64(value);
        }

        public void Single(int field, float value)
        {
            output.WriteTag(field, WireFormat.WireType.Fixed32);
            output.WriteFloat(value);
        }

        public void Text(int field, string value)
        {
            output.WriteTag(field, WireFormat.WireType.LengthDelimited);
            output.WriteString(value);
        }

        public void Bytes(int field, byte[] value)
        {
            output.WriteTag(field, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(UnsafeByteOperations.UnsafeWrap(value));
        }
    }
}
