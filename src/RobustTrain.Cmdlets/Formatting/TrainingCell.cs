using System.Globalization;

namespace RobustTrain.Cmdlets.Formatting;

/// <summary>Cells of the tables of trainings: numbers that fit their columns whatever their size, since a number that is cut is another number.</summary>
public static class TrainingCell
{
    /// <summary>The width for which <see cref="Number"/> writes.</summary>
    public const int NumberWidth = 9;

    /// <summary>A number with some decimals; with fewer, or as 1.234E+12, where it would not fit.</summary>
    public static string Number(double? value, int decimals)
    {
        if (value is not { } number)
            return "";

        string[] spellings = [.. Enumerable.Range(0, decimals + 1).Reverse().Select(places => number.ToString($"F{places}", CultureInfo.InvariantCulture))];
        // A small number that decimals round to 0 would read as none.
        bool isTiny = number != 0 && Math.Abs(number) < Math.Pow(10, -decimals);
        return isTiny ? Scientific(number) : spellings.FirstOrDefault(text => text.Length <= NumberWidth) ?? Scientific(number);
    }

    /// <summary>Seconds as 12.3 s, from 1000 s on as hours, minutes and seconds.</summary>
    public static string Duration(double seconds)
    {
        if (seconds < 1000)
            return string.Create(CultureInfo.InvariantCulture, $"{seconds:F1} s");

        long whole = (long)Math.Round(seconds);
        return string.Create(CultureInfo.InvariantCulture, $"{whole / 3600}:{whole / 60 % 60:00}:{whole % 60:00}");
    }

    /// <summary>A name of at most so many letters, cut on the right.</summary>
    public static string Name(string name, int width) => name.Length <= width ? name : name[..(width - 1)] + '…';

    private static string Scientific(double number) => number.ToString("0.##E+0", CultureInfo.InvariantCulture);
}
