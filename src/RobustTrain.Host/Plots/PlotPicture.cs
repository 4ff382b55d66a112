using RobustTrain.Data.Imaging;
using RobustTrain.Reports.Plots;

namespace RobustTrain.Host.Plots;

/// <summary>A plot as a picture: lines with soft edges on white, letters of strokes.</summary>
internal sealed class PlotPicture
{
    private const double LetterScale = 1.7;
    private const double LetterWidth = 1.5;
    private const int Gap = 10;

    private static readonly (byte Red, byte Green, byte Blue) s_ink = (70, 78, 90);
    private static readonly (byte Red, byte Green, byte Blue) s_grid = (222, 226, 232);
    private static readonly (byte Red, byte Green, byte Blue) s_mark = (176, 128, 0);

    // As the pages have them.
    private static readonly (byte Red, byte Green, byte Blue)[] s_curves = [(37, 99, 201), (209, 98, 43), (47, 143, 91), (142, 79, 194), (176, 144, 0), (194, 58, 107)];

    private readonly ImageBuffer _image = new();
    private readonly float[] _cover;

    private PlotPicture(int width, int height)
    {
        _image.SetSize(width, height, 3);
        _image.Pixels.Fill(255);
        _cover = new float[width * height];
    }

    /// <summary>Draws a plot.</summary>
    /// <param name="plot">The plot.</param>
    /// <param name="width">Pixels in a row.</param>
    /// <param name="height">Rows.</param>
    public static ImageBuffer Draw(Plot plot, int width, int height)
    {
        PlotPicture picture = new(width, height);
        picture.Text(plot.Title, Gap, Gap, s_ink);
        if (plot.XAxis() is { } x && plot.YAxis() is { } y)
            picture.Draw(plot, x, y);
        else
            picture.Text("NOTHING TO DRAW YET", Gap, 4 * Gap, s_ink);
        return picture._image;
    }

    private void Draw(Plot plot, PlotAxis x, PlotAxis y)
    {
        (double Value, string Text)[] rows = [.. y.Ticks(Math.Max(2, _image.Height / 70)).Select(tick => (tick, PlotAxis.Label(tick)))];
        double left = Gap + rows.Max(row => WidthOf(row.Text)) + Gap;
        double top = Gap + (3 * Gap);
        double right = _image.Width - (2 * Gap);
        double bottom = _image.Height - (5 * Gap) - (plot.Series.Count > 1 ? 2 * Gap * ((plot.Series.Count + 2) / 3) : 0);
        double At(PlotAxis axis, double value, double from, double to) => from + (axis.Place(value) * (to - from));

        foreach ((double value, string text) in rows)
        {
            double row = At(y, value, bottom, top);
            Lines([(left, row), (right, row)], 1, s_grid);
            Text(text, left - Gap - WidthOf(text), row - (LetterScale * StrokeText.Height / 2), s_ink);
        }

        foreach (double tick in x.Ticks(Math.Max(2, _image.Width / 110)))
        {
            double column = At(x, tick, left, right);
            Lines([(column, bottom), (column, bottom + 5)], 1.2, s_ink);
            string text = PlotAxis.Label(tick);
            Text(text, Math.Min(column - (WidthOf(text) / 2), right - WidthOf(text)), bottom + Gap, s_ink);
        }

        Lines([(left, top), (left, bottom), (right, bottom)], 1.2, s_ink);
        Text(plot.XName, right - WidthOf(plot.XName), bottom + (2.8 * Gap), s_ink);
        foreach (double mark in plot.Marks.Where(mark => mark >= x.Low && mark <= x.High))
            Lines([(At(x, mark, left, right), top), (At(x, mark, left, right), bottom)], 1, s_mark);
        for (int place = 0; place < plot.Series.Count; place++)
        {
            foreach (List<(double X, double Y)> line in Pieces(plot.Series[place].Thinned(2 * _image.Width), y).Select(piece => piece.Select(point => (At(x, point.X, left, right), At(y, point.Y, bottom, top))).ToList()))
                Lines(line.Count == 1 ? [line[0], line[0]] : line, line.Count == 1 ? 5 : 2, s_curves[place % s_curves.Length]);
        }

        if (plot.Series.Count > 1)
            Legend(plot, left, bottom + (4.6 * Gap), right - left);
    }

    private void Legend(Plot plot, double left, double top, double width)
    {
        for (int place = 0; place < plot.Series.Count; place++)
        {
            double column = left + (place % 3 * width / 3);
            double row = top + (place / 3 * 2 * Gap);
            double middle = row + (LetterScale * StrokeText.Height / 2);
            Lines([(column, middle), (column + (2 * Gap), middle)], 3, s_curves[place % s_curves.Length]);
            int letters = Math.Max(1, (int)(((width / 3) - (4 * Gap)) / (6 * LetterScale)));
            string name = plot.Series[place].Name;
            Text(name.Length <= letters ? name : $"{name[..Math.Max(0, letters - 2)]}..", column + (3 * Gap), row, s_ink);
        }
    }

    private static IEnumerable<List<PlotPoint>> Pieces(PlotSeries series, PlotAxis y)
    {
        List<PlotPoint> piece = [];
        foreach (PlotPoint point in series.Points)
        {
            if (double.IsFinite(y.Place(point.Y)))
            {
                piece.Add(point);
                continue;
            }

            if (piece.Count > 0)
                yield return piece;
            piece = [];
        }

        if (piece.Count > 0)
            yield return piece;
    }

    private static double WidthOf(string text) => LetterScale * StrokeText.WidthOf(text.Length);

    private void Text(string text, double left, double top, (byte Red, byte Green, byte Blue) color)
    {
        foreach (((int X, int Y) from, (int X, int Y) to) in StrokeText.Strokes(text))
            Cover((left + (LetterScale * from.X), top + (LetterScale * from.Y)), (left + (LetterScale * to.X), top + (LetterScale * to.Y)), LetterWidth);
        Blend(color);
    }

    private void Lines(IReadOnlyList<(double X, double Y)> points, double width, (byte Red, byte Green, byte Blue) color)
    {
        for (int point = 1; point < points.Count; point++)
            Cover(points[point - 1], points[point], width);
        Blend(color);
    }

    // The share of a pixel that a line covers, by the distance of the pixel's middle from it: one pixel of soft edge.
    private void Cover((double X, double Y) from, (double X, double Y) to, double width)
    {
        double reach = (width / 2) + 1;
        (double alongX, double alongY) = (to.X - from.X, to.Y - from.Y);
        double square = (alongX * alongX) + (alongY * alongY);
        for (int y = Math.Max(0, (int)(Math.Min(from.Y, to.Y) - reach)); y <= Math.Min(_image.Height - 1, (int)(Math.Max(from.Y, to.Y) + reach)); y++)
        {
            for (int x = Math.Max(0, (int)(Math.Min(from.X, to.X) - reach)); x <= Math.Min(_image.Width - 1, (int)(Math.Max(from.X, to.X) + reach)); x++)
            {
                double share = square == 0 ? 0 : Math.Clamp((((x - from.X) * alongX) + ((y - from.Y) * alongY)) / square, 0, 1);
                double distance = Math.Sqrt(Math.Pow(x - from.X - (share * alongX), 2) + Math.Pow(y - from.Y - (share * alongY), 2));
                float cover = (float)Math.Clamp((width / 2) + 0.5 - distance, 0, 1);
                int pixel = (y * _image.Width) + x;
                _cover[pixel] = Math.Max(_cover[pixel], cover);
            }
        }
    }

    private void Blend((byte Red, byte Green, byte Blue) color)
    {
        Span<byte> pixels = _image.Pixels;
        for (int pixel = 0; pixel < _cover.Length; pixel++)
        {
            if (_cover[pixel] is var cover && cover <= 0)
                continue;
            Span<byte> at = pixels.Slice(3 * pixel, 3);
            at[0] += (byte)(int)((color.Red - at[0]) * cover);
            at[1] += (byte)(int)((color.Green - at[1]) * cover);
            at[2] += (byte)(int)((color.Blue - at[2]) * cover);
        }

        Array.Clear(_cover);
    }
}
