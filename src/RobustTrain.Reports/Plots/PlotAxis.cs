using System.Globalization;

namespace RobustTrain.Reports.Plots;

/// <summary>An axis: its range, and ticks at round values.</summary>
public sealed class PlotAxis
{
    private const int Most = 100;

    private readonly bool _isLogarithmic;
    private readonly bool _isWhole;

    private PlotAxis(double low, double high, bool isLogarithmic, bool isWhole = false) => (Low, High, _isLogarithmic, _isWhole) = (low, high, isLogarithmic, isWhole);

    /// <summary>The value at its beginning.</summary>
    public double Low { get; }

    /// <summary>The value at its end; higher than <see cref="Low"/>.</summary>
    public double High { get; }

    /// <summary>An axis over some values; null where there is none.</summary>
    /// <param name="values">The values.</param>
    /// <param name="isLogarithmic">Whether it is of the values' logarithm.</param>
    /// <param name="isWhole">Whether ticks stand at whole numbers only.</param>
    public static PlotAxis? Over(IEnumerable<double> values, bool isLogarithmic, bool isWhole = false)
    {
        double low = double.PositiveInfinity;
        double high = double.NegativeInfinity;
        foreach (double value in values)
        {
            low = Math.Min(low, value);
            high = Math.Max(high, value);
        }

        if (low > high)
            return null;

        // One value alone stands in the middle.
        if (low == high)
            return isLogarithmic ? new PlotAxis(low / 2, high * 2, true) : new PlotAxis(low - Half(low), high + Half(high), false, isWhole);
        return new PlotAxis(low, high, isLogarithmic, isWhole);
    }

    /// <summary>Where a value is: 0 at the beginning, 1 at the end; NaN for what the axis has no place for.</summary>
    public double Place(double value) => _isLogarithmic
        ? value > 0 ? (Math.Log(value) - Math.Log(Low)) / (Math.Log(High) - Math.Log(Low)) : double.NaN
        : (value - Low) / (High - Low);

    /// <summary>Round values on the axis, some more or fewer than are asked for; at least one.</summary>
    public IReadOnlyList<double> Ticks(int about)
    {
        if (_isLogarithmic && High / Low >= 10)
        {
            double[] decades = [.. Enumerable.Range((int)Math.Ceiling(Math.Log10(Low) - 1e-9), (int)Math.Floor(Math.Log10(High) + 1e-9) - (int)Math.Ceiling(Math.Log10(Low) - 1e-9) + 1).Select(power => Math.Pow(10, power))];
            int every = Math.Max(1, (int)Math.Ceiling(decades.Length / (double)Math.Max(1, about)));
            return [.. decades.Where((_, place) => place % every == 0)];
        }

        double rough = (High - Low) / Math.Max(1, about);
        double power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double step = power * (rough / power) switch { <= 1.5 => 1, <= 3.5 => 2, <= 7.5 => 5, _ => 10 };
        step = _isWhole ? Math.Max(1, step) : step;
        double first = Math.Ceiling((Low / step) - 1e-9);
        double[] ticks = [.. Enumerable.Range(0, Most).Select(place => (first + place) * step).TakeWhile(tick => tick <= High + (step * 1e-9)).Select(tick => Math.Abs(tick) < step * 1e-9 ? 0 : tick).Distinct()];
        return ticks.Length > 0 ? ticks : [Low];
    }

    /// <summary>A value in as few letters as tell it apart from its neighbours.</summary>
    public static string Label(double value)
    {
        double size = Math.Abs(value);
        return size is 0 ? "0"
            : size is < 1e-3 or >= 1e6 ? value.ToString("0.##e+0", CultureInfo.InvariantCulture)
            : value.ToString(size < 1 ? "0.#####" : "0.####", CultureInfo.InvariantCulture);
    }

    private static double Half(double value) => value == 0 ? 0.5 : Math.Abs(value) / 2;
}
