using System.Globalization;
using System.Text;
using RobustTrain.Reports.Plots;

namespace RobustTrain.Reports.Documents;

/// <summary>A plot as SVG that stands in a page, in the page's colours: classes c0, c1, … for curves, axis, grid and mark.</summary>
internal static class SvgChart
{
    /// <summary>How many curves have colours of their own.</summary>
    public const int Colors = 6;

    private const int Width = 640;
    private const int Height = 250;
    private const int Left = 62;
    private const int Right = 14;
    private const int Top = 12;
    private const int Bottom = 38;
    private const int MostPoints = 900;

    /// <summary>Draws a plot; a sentence where there is nothing to draw.</summary>
    public static Html Draw(Plot plot)
    {
        if (plot.XAxis() is not { } x || plot.YAxis() is not { } y)
            return Html.Of($"<p class=\"none\">{plot.Title}: nothing yet.</p>");
        StringBuilder svg = new();
        svg.Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {Width} {Height}\" role=\"img\"><title>{Html.Escape(plot.Title)}</title>");
        foreach (double tick in y.Ticks(5))
            svg.Append(CultureInfo.InvariantCulture, $"<path class=\"grid\" d=\"M{Left} {Y(y, tick)}H{Width - Right}\"/><text class=\"tick\" x=\"{Left - 7}\" y=\"{Y(y, tick) + 4}\" text-anchor=\"end\">{PlotAxis.Label(tick)}</text>");
        foreach (double tick in x.Ticks(8))
            svg.Append(CultureInfo.InvariantCulture, $"<path class=\"axis\" d=\"M{X(x, tick)} {Height - Bottom}v5\"/><text class=\"tick\" x=\"{X(x, tick)}\" y=\"{Height - Bottom + 18}\" text-anchor=\"middle\">{PlotAxis.Label(tick)}</text>");
        svg.Append(CultureInfo.InvariantCulture, $"<path class=\"axis\" d=\"M{Left} {Top}V{Height - Bottom}H{Width - Right}\"/><text class=\"tick\" x=\"{Width - Right}\" y=\"{Height - 4}\" text-anchor=\"end\">{Html.Escape(plot.XName)}</text>");
        foreach (double mark in plot.Marks.Where(mark => mark >= x.Low && mark <= x.High))
            svg.Append(CultureInfo.InvariantCulture, $"<path class=\"mark\" d=\"M{X(x, mark)} {Top}V{Height - Bottom}\"><title>went on here</title></path>");
        for (int place = 0; place < plot.Series.Count; place++)
            Curve(svg, plot.Series[place].Thinned(MostPoints), place % Colors, x, y);
        svg.Append("</svg>");
        Html legend = plot.Series.Count < 2 ? Html.Of($"") : Html.Of($"<p class=\"legend\">{plot.Series.Select((series, place) => Html.Of($"<span><i class=\"k{place % Colors}\"></i>{series.Name}</span> "))}</p>");
        return Html.Of($"<figure><figcaption>{plot.Title}</figcaption>{new Html(svg.ToString())}{legend}</figure>");
    }

    private static void Curve(StringBuilder svg, PlotSeries series, int color, PlotAxis x, PlotAxis y)
    {
        StringBuilder path = new();
        bool isOpen = false;
        foreach (PlotPoint point in series.Points)
        {
            double place = y.Place(point.Y);
            if (!double.IsFinite(place))
            {
                isOpen = false;
                continue;
            }

            path.Append(CultureInfo.InvariantCulture, $"{(isOpen ? 'L' : 'M')}{X(x, point.X):0.#} {Y(y, point.Y):0.#}");
            isOpen = true;
        }

        svg.Append(CultureInfo.InvariantCulture, $"<path class=\"curve c{color}\" d=\"{path}\"/>");
        if (series.Points.Count > 40)
            return;
        foreach (PlotPoint point in series.Points.Where(point => double.IsFinite(y.Place(point.Y))))
            svg.Append(CultureInfo.InvariantCulture, $"<circle class=\"c{color}\" cx=\"{X(x, point.X):0.#}\" cy=\"{Y(y, point.Y):0.#}\" r=\"2.6\"><title>{Html.Escape(series.Name)}: {PlotAxis.Label(point.Y)} at {PlotAxis.Label(point.X)}</title></circle>");
    }

    private static double X(PlotAxis axis, double value) => Math.Round(Left + (axis.Place(value) * (Width - Left - Right)), 1);

    private static double Y(PlotAxis axis, double value) => Math.Round(Height - Bottom - (axis.Place(value) * (Height - Top - Bottom)), 1);
}
