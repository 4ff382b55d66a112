using System.Globalization;

namespace RobustTrain.Data;

/// <summary>How many samples of an epoch may be skipped: a number, or a share of the epoch.</summary>
public readonly record struct SkipBudget
{
    private readonly double _value;
    private readonly bool _isShare;

    private SkipBudget(double value, bool isShare) => (_value, _isShare) = (value, isShare);

    /// <summary>A number of samples.</summary>
    public static SkipBudget Samples(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        return new SkipBudget(count, isShare: false);
    }

    /// <summary>A share of the epoch, 0 to 1.</summary>
    public static SkipBudget Share(double share) => share is >= 0 and <= 1
        ? new SkipBudget(share, isShare: true)
        : throw new ArgumentOutOfRangeException(nameof(share), share, "A share must be 0 to 1.");

    /// <summary>Reads a number (<c>10</c>), a share (<c>0.01</c>) or a percentage (<c>1%</c>).</summary>
    /// <exception cref="FormatException">It is none of these.</exception>
    public static SkipBudget Parse(string text)
    {
        string trimmed = text.Trim();
        if (int.TryParse(trimmed, NumberStyles.None, CultureInfo.InvariantCulture, out int count))
            return Samples(count);
        bool percent = trimmed.EndsWith('%');
        if (double.TryParse(trimmed.TrimEnd('%'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value))
        {
            double share = percent ? value / 100 : value;
            if (share is >= 0 and <= 1)
                return Share(share);
        }

        throw new FormatException($"'{text}' is no budget of samples; expected a number as 10, a share as 0.01, or a percentage as 1%.");
    }

    /// <summary>The samples that may be skipped of so many.</summary>
    public int Of(int samples) => _isShare ? (int)(_value * samples) : (int)_value;

    /// <summary>The text that <see cref="Parse"/> reads.</summary>
    public override string ToString() => _isShare
        ? string.Create(CultureInfo.InvariantCulture, $"{_value * 100}%")
        : _value.ToString(CultureInfo.InvariantCulture);
}
