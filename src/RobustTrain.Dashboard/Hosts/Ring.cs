namespace RobustTrain.Dashboard.Hosts;

/// <summary>The newest values of a figure; NaN where it was not known.</summary>
/// <param name="capacity">How many.</param>
internal sealed class Ring(int capacity)
{
    private readonly float[] _values = new float[capacity];
    private int _next;

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a value, in place of the oldest where it is full.</summary>
    public void Add(double? value)
    {
        _values[_next] = (float)(value ?? double.NaN);
        _next = (_next + 1) % capacity;
        Count = Math.Min(Count + 1, capacity);
    }

    /// <summary>The values, oldest first.</summary>
    public float?[] ToArray()
    {
        var values = new float?[Count];
        for (int i = 0; i < Count; i++)
        {
            float value = _values[(_next - Count + i + capacity) % capacity];
            values[i] = float.IsNaN(value) ? null : value;
        }

        return values;
    }

    /// <summary>The mean of the newest values that are known; null where none is.</summary>
    /// <param name="count">How many of the newest.</param>
    public double? MeanOfNewest(int count)
    {
        double sum = 0;
        int known = 0;
        for (int i = 1; i <= Math.Min(count, Count); i++)
        {
            float value = _values[(_next - i + capacity) % capacity];
            if (float.IsNaN(value))
                continue;
            sum += value;
            known++;
        }

        return known == 0 ? null : sum / known;
    }
}
