using static TorchSharp.torch;

namespace RobustTrain.Training.Steps;

/// <summary>A copy of a network's buffers, so that the running statistics of a step that is left out leave no trace.</summary>
internal sealed class BufferCopy : IDisposable
{
    private readonly (Tensor Buffer, Tensor Copy)[] _buffers;

    /// <summary>Makes room for the buffers of <paramref name="model"/>.</summary>
    public BufferCopy(nn.Module model) =>
        _buffers = [.. model.named_buffers().Select(named => (named.buffer, named.buffer.detach().clone().DetachFromDisposeScope()))];

    /// <summary>Remembers the buffers as they are.</summary>
    public void Take()
    {
        using var noGrad = no_grad();
        foreach ((Tensor buffer, Tensor copy) in _buffers)
            copy.copy_(buffer);
    }

    /// <summary>Makes the buffers what they were.</summary>
    public void Restore()
    {
        using var noGrad = no_grad();
        foreach ((Tensor buffer, Tensor copy) in _buffers)
            buffer.copy_(copy);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((_, Tensor copy) in _buffers)
            copy.Dispose();
    }
}
