using System.Text;

namespace RobustTrain.Reports.Plots;

/// <summary>A plot in letters, for a terminal: dots of braille, eight in a letter, or signs of ASCII.</summary>
public static class TextPlot
{
    // Unicode 15, Braille Patterns: the bits of the dots of a letter, by row and column.
    private static readonly int[][] s_dots = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

    // Green, yellow, blue, magenta, cyan, red (ECMA-48, SGR).
    private static readonly int[] s_colors = [32, 33, 34, 35, 36, 31];
    private static readonly char[] s_signs = ['*', '+', 'o', 'x', '#', '@'];

    /// <summary>Draws a plot.</summary>
    /// <param name="plot">The plot.</param>
    /// <param name="width">Columns in all.</param>
    /// <param name="height">Rows of the curves alone.</param>
    /// <param name="isAscii">Whether only signs of ASCII are used.</param>
    /// <param name="isColored">Whether curves have colours, by escape sequences.</param>
    /// <returns>The lines, none longer than the width.</returns>
    public static IEnumerable<string> Draw(Plot plot, int width, int height, bool isAscii, bool isColored)
    {
        yield return Cut(plot.Title, width, isAscii);
        if (plot.XAxis() is not { } x || plot.YAxis() is not { } y)
        {
            yield return Cut("Nothing to draw yet.", width, isAscii);
            yield break;
        }

        (double Value, string Text)[] ticks = [.. y.Ticks(Math.Max(2, height / 3)).Select(tick => (tick, PlotAxis.Label(tick)))];
        int margin = ticks.Max(tick => tick.Text.Length);
        int columns = Math.Max(2, width - margin - 2);
        Canvas canvas = new(columns, height, isAscii);
        for (int place = 0; place < plot.Series.Count; place++)
            Trace(canvas, plot.Series[place].Thinned(4 * columns * canvas.Across), place, x, y);
        for (int row = 0; row < height; row++)
        {
            string label = ticks.FirstOrDefault(tick => RowOf(y, tick.Value, height) == row).Text ?? "";
            yield return $"{label.PadLeft(margin)} {(label.Length > 0 ? isAscii ? '+' : '┤' : isAscii ? '|' : '│')}{canvas.Row(row, isColored)}";
        }

        yield return $"{new string(' ', margin)} {(isAscii ? '+' : '└')}{new string(isAscii ? '-' : '─', columns)}";
        yield return $"{new string(' ', margin + 2)}{XLabels(x, columns)}";
        yield return Cut($"{new string(' ', margin + 2)}{plot.XName}", width, isAscii);
        if (plot.Series.Count > 1)
        {
            foreach ((PlotSeries series, int place) in plot.Series.Select((series, place) => (series, place)))
                yield return Legend(series.Name, place, width, isAscii, isColored);
        }
    }

    private static void Trace(Canvas canvas, PlotSeries series, int place, PlotAxis x, PlotAxis y)
    {
        (int X, int Y)? before = null;
        foreach (PlotPoint point in series.Points)
        {
            double up = y.Place(point.Y);
            if (!double.IsFinite(up))
            {
                before = null;
                continue;
            }

            (int X, int Y) at = ((int)Math.Round(x.Place(point.X) * (canvas.DotColumns - 1)), (int)Math.Round((1 - up) * (canvas.DotRows - 1)));
            canvas.Line(before ?? at, at, place);
            before = at;
        }
    }

    private static int RowOf(PlotAxis y, double value, int height) => (int)Math.Round((1 - y.Place(value)) * (height - 1));

    private static string XLabels(PlotAxis x, int columns)
    {
        char[] line = [.. Enumerable.Repeat(' ', columns)];
        int free = 0;
        foreach (double tick in x.Ticks(Math.Max(2, columns / 12)))
        {
            string text = PlotAxis.Label(tick);
            int begin = Math.Clamp((int)Math.Round(x.Place(tick) * (columns - 1)) - (text.Length / 2), 0, Math.Max(0, columns - text.Length));
            if (begin < free || begin + text.Length > columns)
                continue;
            text.CopyTo(0, line, begin, text.Length);
            free = begin + text.Length + 1;
        }

        return new string(line).TrimEnd();
    }

    private static string Legend(string name, int place, int width, bool isAscii, bool isColored)
    {
        string sign = isAscii ? s_signs[place % s_signs.Length].ToString() : "⣿";
        string text = Cut(name, Math.Max(1, width - 5), isAscii);
        return isColored ? $"  {Colored(sign, place)} {text}" : $"  {(isAscii ? sign : $"{place + 1}.")} {text}";
    }

    private static string Colored(string text, int place) => $"\u001b[{s_colors[place % s_colors.Length]}m{text}\u001b[0m";

    private static string Cut(string text, int width, bool isAscii) => text.Length <= width ? text : text[..Math.Max(0, width - 1)] + (isAscii ? '~' : '…');

    /// <summary>Dots on a grid; in each letter the curve that came last gives the colour.</summary>
    private sealed class Canvas(int columns, int rows, bool isAscii)
    {
        private readonly int[] _dots = new int[columns * rows];
        private readonly int[] _owner = new int[columns * rows];

        public int Across { get; } = isAscii ? 1 : 2;

        private int Down { get; } = isAscii ? 1 : 4;

        public int DotColumns => columns * Across;

        public int DotRows => rows * Down;

        public void Line((int X, int Y) from, (int X, int Y) to, int owner)
        {
            int steps = Math.Max(1, Math.Max(Math.Abs(to.X - from.X), Math.Abs(to.Y - from.Y)));
            for (int step = 0; step <= steps; step++)
                Set(from.X + (int)Math.Round((to.X - from.X) * (double)step / steps), from.Y + (int)Math.Round((to.Y - from.Y) * (double)step / steps), owner);
        }

        public string Row(int row, bool isColored)
        {
            StringBuilder line = new();
            int last = columns - 1;
            while (last >= 0 && _dots[(row * columns) + last] == 0)
                last--;
            for (int begin = 0, end; begin <= last; begin = end)
            {
                int owner = OwnerOf(row, begin);
                for (end = begin + 1; end <= last && OwnerOf(row, end) == owner;)
                    end++;
                string letters = string.Concat(Enumerable.Range(begin, end - begin).Select(column => LetterOf((row * columns) + column)));
                line.Append(isColored && owner >= 0 ? Colored(letters, owner) : letters);
            }

            return line.ToString();
        }

        private int OwnerOf(int row, int column) => _dots[(row * columns) + column] == 0 ? -1 : _owner[(row * columns) + column];

        private char LetterOf(int cell) => _dots[cell] == 0 ? ' ' : isAscii ? s_signs[_owner[cell] % s_signs.Length] : (char)(0x2800 + _dots[cell]);

        private void Set(int x, int y, int owner)
        {
            if (x < 0 || y < 0 || x >= DotColumns || y >= DotRows)
                return;
            int cell = (y / Down * columns) + (x / Across);
            _dots[cell] |= isAscii ? 1 : s_dots[y % Down][x % Across];
            _owner[cell] = owner;
        }
    }
}
