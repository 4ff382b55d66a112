namespace RobustTrain.Monitoring.Monitors;

/// <summary>The last samples of one value. A sample at which the value was not known takes its place in the window but has no part in the figures.</summary>
/// <param name="size">How many samples it holds.</param>
public sealed class SlidingWindow(int size)
{
    private readonly double[] _values = new double[size];
    private int _next;
    private int _count;

    /// <summary>Adds a sample in place of the oldest one.</summary>
    /// <param name="value">The value, or null where it is not known.</param>
    public void Add(double? value)
    {
        _values[_next] = value ?? double.NaN;
        _next = (_next + 1) % _values.Length;
        _count = Math.Min(_count + 1, _values.Length);
    }

    /// <summary>The figures over the samples that it holds.</summary>
    public WindowStatistics Statistics
    {
        get
        {
            double min = double.PositiveInfinity, max = double.NegativeInfinity, sum = 0;
            int known = 0;
            foreach (double value in _values.AsSpan(0, _count))
            {
                if (double.IsNaN(value))
                    continue;
                min = Math.Min(min, value);
                max = Math.Max(max, value);
                sum += value;
                known++;
            }

            return known == 0 ? default : new WindowStatistics(min, max, sum / known);
        }
    }
}

/// <summary>The least, greatest and mean value of a window; all null where it holds none.</summary>
public readonly record struct WindowStatistics(double? Min, double? Max, double? Mean);
