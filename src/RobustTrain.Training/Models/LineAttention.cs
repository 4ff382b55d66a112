using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Models;

/// <summary>
/// HANet's row and column attention: each pixel attends to the pixels of its own row, or of its own column.
/// The result is added to the input times gamma, which starts at 0.
/// </summary>
internal sealed class LineAttention : Module<Tensor, Tensor>
{
    /// <summary>
    /// Elements of an attention map that is computed in one piece. It has the square of a line's length for each line,
    /// more than 1 GB for a whole aerial image, so larger ones are computed some lines at a time.
    /// </summary>
    private const long LargestPiece = 1 << 24;

    private readonly bool _rows;
    [ComponentName(Name = "query_conv")]
    private readonly Conv2d _query;

    [ComponentName(Name = "key_conv")]
    private readonly Conv2d _key;

    [ComponentName(Name = "value_conv")]
    private readonly Conv2d _value;

    /// <summary>Attention in rows, or else in columns, over feature maps of <paramref name="width"/> channels.</summary>
    public LineAttention(int width, bool rows)
        : base(nameof(LineAttention))
    {
        _rows = rows;
        _query = Conv2d(width, width, 1);
        _key = Conv2d(width, width, 1);
        _value = Conv2d(width, width, 1);
        register_parameter("gamma", new Parameter(zeros(1)));
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using Tensor queries = Lines(_query, input);
        using Tensor keys = Lines(_key, input);
        using Tensor values = Lines(_value, input);
        using Tensor attended = Attend(queries, keys, values);
        using Tensor features = FromLines(attended, input.shape);
        using Tensor gated = features * get_parameter("gamma")!;
        return gated + input;
    }

    private static Tensor Attend(Tensor queries, Tensor keys, Tensor values)
    {
        long lines = queries.shape[0];
        long length = queries.shape[1];
        long atOnce = Math.Max(1, LargestPiece / (length * length));
        if (atOnce >= lines) return AttendAtOnce(queries, keys, values);

        List<Tensor> pieces = [];
        for (long first = 0; first < lines; first += atOnce)
        {
            long count = Math.Min(atOnce, lines - first);
            using Tensor query = queries.narrow(0, first, count);
            using Tensor key = keys.narrow(0, first, count);
            using Tensor value = values.narrow(0, first, count);
            pieces.Add(AttendAtOnce(query, key, value));
        }

        Tensor attended = cat(pieces, 0);
        foreach (Tensor piece in pieces) piece.Dispose();
        return attended;
    }

    private static Tensor AttendAtOnce(Tensor queries, Tensor keys, Tensor values)
    {
        using Tensor transposed = keys.transpose(1, 2);
        using Tensor likeness = queries.bmm(transposed);
        using Tensor attention = functional.softmax(likeness, -1);
        return attention.bmm(values);
    }

    /// <summary>N x C x H x W to lines x pixels of a line x C.</summary>
    private Tensor Lines(Conv2d projection, Tensor input)
    {
        using Tensor projected = projection.call(input);
        using Tensor lines = _rows ? projected.permute(0, 2, 3, 1) : projected.permute(0, 3, 2, 1);
        long[] shape = lines.shape;
        return lines.reshape(shape[0] * shape[1], shape[2], shape[3]);
    }

    /// <summary>Lines x pixels of a line x C to N x C x H x W.</summary>
    private Tensor FromLines(Tensor lines, long[] shape)
    {
        (long n, long c, long h, long w) = (shape[0], shape[1], shape[2], shape[3]);
        using Tensor split = _rows ? lines.reshape(n, h, w, c) : lines.reshape(n, w, h, c);
        return _rows ? split.permute(0, 3, 1, 2) : split.permute(0, 3, 2, 1);
    }
}
