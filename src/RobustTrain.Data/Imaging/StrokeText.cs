namespace RobustTrain.Data.Imaging;

/// <summary>Writes short texts into images, in capitals of 5x7 pixels that are drawn by strokes: for pictures that name what they show.</summary>
public static class StrokeText
{
    /// <summary>Rows of a letter.</summary>
    public const int Height = 7;

    private const int Advance = 6;
    private const string Unknown = "00-40-46-06-00";
    private const string Accented = "ÀÁÂÃÅĀĂĄÇĆČĎĐÈÉÊËĒĖĘĚĞĢÌÍÎÏĪĮİĶŁĻĽÑŃŅŇÒÓÔÕØŌŐŔŘŚŞŠȘŢŤȚÙÚÛŪŮŰŲÝŸŹŻŽ";
    private const string Plain = "AAAAAAAACCCDDEEEEEEEEGGIIIIIIIKLLLNNNNOOOOOOORRSSSSTTTUUUUUUUYYZZZ";

    // For each letter its strokes, each a path through points of column and row.
    private static readonly Dictionary<char, string> s_strokes = new()
    {
        [' '] = "",
        ['A'] = "06-02-20-42-46 03-43",
        ['B'] = "00-06-36-45-44-33-03 33-42-41-30-00",
        ['C'] = "41-30-10-01-05-16-36-45",
        ['D'] = "00-06-26-44-42-20-00",
        ['E'] = "40-00-06-46 03-33",
        ['F'] = "40-00-06 03-33",
        ['G'] = "41-30-10-01-05-16-36-45-43-23",
        ['H'] = "00-06 40-46 03-43",
        ['I'] = "10-30 20-26 16-36",
        ['J'] = "40-45-36-16-05",
        ['K'] = "00-06 40-03-46",
        ['L'] = "00-06-46",
        ['M'] = "06-00-22-40-46",
        ['N'] = "06-00-46-40",
        ['O'] = "10-30-41-45-36-16-05-01-10",
        ['P'] = "06-00-30-41-42-33-03",
        ['Q'] = "10-30-41-45-36-16-05-01-10 24-46",
        ['R'] = "06-00-30-41-42-33-03 13-46",
        ['S'] = "41-30-10-01-02-13-33-44-45-36-16-05",
        ['T'] = "00-40 20-26",
        ['U'] = "00-05-16-36-45-40",
        ['V'] = "00-03-26-43-40",
        ['W'] = "00-05-16-23-36-45-40",
        ['X'] = "00-46 40-06",
        ['Y'] = "00-23-40 23-26",
        ['Z'] = "00-40-06-46",
        ['0'] = "10-30-41-45-36-16-05-01-10 14-32",
        ['1'] = "11-20-26 16-36",
        ['2'] = "01-10-30-41-42-06-46",
        ['3'] = "01-10-30-41-42-33-44-45-36-16-05 13-33",
        ['4'] = "36-30-04-44",
        ['5'] = "40-00-03-33-44-45-36-16-05",
        ['6'] = "30-10-01-05-16-36-45-44-33-03",
        ['7'] = "00-40-16",
        ['8'] = "13-02-01-10-30-41-42-33-13-04-05-16-36-45-44-33",
        ['9'] = "43-13-02-01-10-30-41-45-36-16",
        ['-'] = "13-33",
        ['_'] = "06-46",
        ['.'] = "26-26",
        [','] = "25-16",
        [':'] = "22-22 25-25",
        ['/'] = "06-40",
        ['+'] = "13-33 22-24",
        ['='] = "12-32 14-34",
        ['('] = "30-21-25-36",
        [')'] = "10-21-25-16",
        ['%'] = "06-40 00-11 35-46",
        ['['] = "30-20-26-36",
        [']'] = "10-20-26-16",
        ['{'] = "30-21-22-13-24-25-36",
        ['}'] = "10-21-22-33-24-25-16",
        ['<'] = "41-03-45",
        ['>'] = "01-43-05",
        ['!'] = "20-24 26-26",
        ['?'] = "01-10-30-41-42-24 26-26",
        ['&'] = "46-11-20-31-13-04-05-16-26-44",
        ['#'] = "10-16 30-36 02-42 04-44",
        ['*'] = "11-35 31-15 03-43",
        ['\''] = "20-22",
        ['"'] = "10-12 30-32",
        [';'] = "22-22 25-16",
        ['|'] = "20-26",
        ['\\'] = "00-46",
        ['~'] = "04-13-33-42",
        ['Ä'] = "10-10 30-30 06-04-22-44-46 05-45",
        ['Ö'] = "10-10 30-30 12-32-43-45-36-16-05-03-12",
        ['Ü'] = "10-10 30-30 02-05-16-36-45-42",
        ['ß'] = "06-01-10-20-31-32-23-34-45-36-26",
    };

    /// <summary>Columns of so many letters.</summary>
    public static int WidthOf(int letters) => Math.Max(0, (letters * Advance) - 1);

    /// <summary>Writes a text from left to right; what lies beyond the image is left out, and a letter that is not known is a box.</summary>
    /// <param name="image">The image.</param>
    /// <param name="text">The text; accents but for those of German are dropped.</param>
    /// <param name="left">The first column.</param>
    /// <param name="top">The first row.</param>
    /// <param name="color">Red, green and blue; of grey images red.</param>
    public static void Draw(ImageBuffer image, string text, int left, int top, (byte Red, byte Green, byte Blue) color) =>
        Draw(image, text, (x, y) => (left + x, top + y), color);

    /// <summary>Writes a text from below upwards.</summary>
    /// <inheritdoc cref="Draw(ImageBuffer, string, int, int, ValueTuple{byte, byte, byte})"/>
    /// <param name="image">The image.</param>
    /// <param name="text">The text.</param>
    /// <param name="left">The first column.</param>
    /// <param name="bottom">The row of the first letter's beginning.</param>
    /// <param name="color">Red, green and blue; of grey images red.</param>
    public static void DrawUpward(ImageBuffer image, string text, int left, int bottom, (byte Red, byte Green, byte Blue) color) =>
        Draw(image, text, (x, y) => (left + y, bottom - x), color);

    /// <summary>The strokes of a text, each a line between two points of column and row: for pictures that draw it in another size.</summary>
    /// <param name="text">The text; accents are dropped, and a letter that is not known is a box.</param>
    public static IEnumerable<((int X, int Y) From, (int X, int Y) To)> Strokes(string text)
    {
        int offset = 0;
        foreach (char letter in text.Where(letter => !char.IsBetween(letter, '\u0300', '\u036f')))
        {
            foreach (string stroke in StrokesOf(letter).Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                string[] points = stroke.Split('-');
                for (int point = 1; point < points.Length; point++)
                    yield return (PointOf(points[point - 1], offset), PointOf(points[point], offset));
            }

            offset += Advance;
        }
    }

    // .NET takes no accents off without ICU, which the executable goes without.
    private static string StrokesOf(char letter)
    {
        char capital = char.ToUpperInvariant(letter);
        int accented = Accented.IndexOf(capital, StringComparison.Ordinal);
        return s_strokes.GetValueOrDefault(accented < 0 ? capital : Plain[accented], Unknown);
    }

    private static (int X, int Y) PointOf(string digits, int offset) => (offset + digits[0] - '0', digits[1] - '0');

    private static void Draw(ImageBuffer image, string text, Func<int, int, (int X, int Y)> place, (byte Red, byte Green, byte Blue) color)
    {
        foreach (((int X, int Y) from, (int X, int Y) to) in Strokes(text))
            Line(image, from, to, place, color);
    }

    private static void Line(ImageBuffer image, (int X, int Y) from, (int X, int Y) to, Func<int, int, (int X, int Y)> place, (byte Red, byte Green, byte Blue) color)
    {
        (int fromX, int fromY, int toX, int toY) = (from.X, from.Y, to.X, to.Y);
        int steps = Math.Max(1, Math.Max(Math.Abs(toX - fromX), Math.Abs(toY - fromY)));
        for (int step = 0; step <= steps; step++)
        {
            (int x, int y) = place(fromX + (int)Math.Round((toX - fromX) * (double)step / steps), fromY + (int)Math.Round((toY - fromY) * (double)step / steps));
            if (x < 0 || y < 0 || x >= image.Width || y >= image.Height)
                continue;
            Span<byte> pixel = image.Row(y).Slice(x * image.Channels, image.Channels);
            pixel[0] = color.Red;
            if (image.Channels == 3)
                (pixel[1], pixel[2]) = (color.Green, color.Blue);
        }
    }
}
