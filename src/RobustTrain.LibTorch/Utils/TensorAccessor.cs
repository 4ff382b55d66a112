using System.Collections;

namespace TorchSharp.Utils;

/// <summary>The elements of a tensor on the CPU, in the order of its dimensions, whatever its strides.</summary>
public sealed class TensorAccessor<T> : IDisposable, IEnumerable<T> where T : unmanaged
{
    private readonly torch.Tensor _tensor;
    private readonly nint _data;
    private readonly long[] _shape;
    private readonly long[] _strides;
    private readonly bool _contiguous;

    internal TensorAccessor(torch.Tensor tensor)
    {
        _tensor = tensor;
        _data = _tensor.Data;
        _shape = _tensor.shape;
        _strides = _tensor.stride();
        _contiguous = _tensor.is_contiguous();
        Count = _tensor.NumberOfElements;
    }

    public long Count { get; }

    public bool IsReadOnly => false;

    public unsafe T this[params long[] indices]
    {
        get => ((T*)Data)[Offset(indices)];
        set => ((T*)Data)[Offset(indices)] = value;
    }

    public T[] ToArray()
    {
        var values = new T[Count];
        CopyTo(values);
        return values;
    }

    public Array ToNDArray()
    {
        if (_shape.Length < 2) return ToArray();
        var values = Array.CreateInstance(typeof(T), _shape);
        int at = 0;
        foreach (T value in this) values.SetValue(value, Unravel(at++));
        return values;
    }

    public void CopyTo(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyTo(array.AsSpan(), arrayIndex, tensorIndex);

    /// <summary>Copies the elements from <paramref name="tensorIndex"/> on.</summary>
    public unsafe void CopyTo(Span<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        Span<T> target = array[arrayIndex..];
        long count = Math.Min(Count - tensorIndex, target.Length);
        if (_contiguous)
        {
            new ReadOnlySpan<T>((T*)Data + tensorIndex, checked((int)count)).CopyTo(target);
            return;
        }
        for (long i = 0; i < count; i++) target[(int)i] = ((T*)Data)[LinearOffset(tensorIndex + i)];
    }

    public void CopyFrom(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyFrom(array.AsSpan(), arrayIndex, tensorIndex);

    public unsafe void CopyFrom(ReadOnlySpan<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        ReadOnlySpan<T> source = array[arrayIndex..];
        long count = Math.Min(Count - tensorIndex, source.Length);
        if (_contiguous)
        {
            source[..(int)count].CopyTo(new Span<T>((T*)Data + tensorIndex, (int)count));
            return;
        }
        for (long i = 0; i < count; i++) ((T*)Data)[LinearOffset(tensorIndex + i)] = source[(int)i];
    }

    /// <summary>Does nothing: the accessor owns no memory. It is valid while its tensor is.</summary>
    public void Dispose() { }

    private nint Data
    {
        get
        {
            // A read after the tensor was disposed is an exception, not a read of freed memory.
            _ = _tensor.Handle;
            return _data;
        }
    }

    public IEnumerator<T> GetEnumerator()
    {
        for (long i = 0; i < Count; i++) yield return At(i);
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private unsafe T At(long index) => ((T*)Data)[_contiguous ? index : LinearOffset(index)];

    private long Offset(long[] indices)
    {
        // One index counts through all elements, as in TorchSharp.
        if (indices.Length == 1 && _shape.Length != 1)
        {
            if ((ulong)indices[0] >= (ulong)Count) throw new ArgumentOutOfRangeException(nameof(indices), indices[0], $"The tensor has {Count} elements.");
            return LinearOffset(indices[0]);
        }
        if (indices.Length != _shape.Length) throw new ArgumentException($"The tensor has {_shape.Length} dimensions, but {indices.Length} indices were given.", nameof(indices));
        long offset = 0;
        for (int i = 0; i < indices.Length; i++)
        {
            if ((ulong)indices[i] >= (ulong)_shape[i]) throw new ArgumentOutOfRangeException(nameof(indices), indices[i], $"Dimension {i} has {_shape[i]} elements.");
            offset += indices[i] * _strides[i];
        }
        return offset;
    }

    private long LinearOffset(long index)
    {
        if (_contiguous) return index;
        long offset = 0;
        for (int i = _shape.Length - 1; i >= 0; i--)
        {
            (index, long at) = Math.DivRem(index, _shape[i]);
            offset += at * _strides[i];
        }
        return offset;
    }

    private int[] Unravel(long index)
    {
        var at = new int[_shape.Length];
        for (int i = _shape.Length - 1; i >= 0; i--) (index, at[i]) = (index / _shape[i], (int)(index % _shape[i]));
        return at;
    }
}
