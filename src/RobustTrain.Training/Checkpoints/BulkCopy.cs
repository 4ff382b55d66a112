using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using static TorchSharp.torch;

namespace RobustTrain.Training.Checkpoints;

/// <summary>
/// Copies much memory at once while a training waits: by several threads, and past the caches, where the training's own data is and the
/// copy would not fit.
/// </summary>
/// <param name="threads">The most threads, the calling one among them.</param>
internal sealed unsafe class BulkCopy(int threads)
{
    private const int BytesOfPiece = 4 << 20;

    private readonly List<Tensor> _tensors = [];
    private readonly List<(nint From, Memory<byte> To)> _pieces = [];

    /// <summary>Adds a tensor to be copied.</summary>
    /// <param name="tensor">On the CPU and contiguous; it may be disposed of before <see cref="Run"/>, but not be changed.</param>
    /// <param name="to">Receives its bytes.</param>
    public void Add(Tensor tensor, Memory<byte> to)
    {
        Tensor kept = tensor.detach().DetachFromDisposeScope();
        _tensors.Add(kept);
        fixed (byte* from = kept.bytes)
        {
            for (int offset = 0; offset < to.Length; offset += BytesOfPiece)
                _pieces.Add(((nint)from + offset, to.Slice(offset, Math.Min(BytesOfPiece, to.Length - offset))));
        }
    }

    /// <summary>Copies all that was added.</summary>
    public void Run()
    {
        Parallel.For(0, _pieces.Count, new ParallelOptions { MaxDegreeOfParallelism = threads }, piece =>
        {
            (nint from, Memory<byte> to) = _pieces[piece];
            fixed (byte* target = to.Span)
                Copy((byte*)from, target, to.Length);
        });
        _pieces.Clear();
        foreach (Tensor tensor in _tensors)
            tensor.Dispose();
        _tensors.Clear();
    }

    private static void Copy(byte* from, byte* to, int length)
    {
        int copied = 0;
        if (Vector256.IsHardwareAccelerated && length >= Vector256<byte>.Count)
        {
            copied = (int)(-(nint)to & (Vector256<byte>.Count - 1));
            Buffer.MemoryCopy(from, to, copied, copied);
            for (; copied <= length - Vector256<byte>.Count; copied += Vector256<byte>.Count)
                Vector256.Load(from + copied).StoreAlignedNonTemporal(to + copied);

            // Such stores are seen by other threads in their order only behind a fence.
            if (Sse.IsSupported)
                Sse.StoreFence();
        }

        Buffer.MemoryCopy(from + copied, to + copied, length - copied, length - copied);
    }
}
