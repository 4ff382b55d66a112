using System.Globalization;
using RobustTrain.Data.Imaging;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Training.Tasks.ClassLabels;

/// <summary>Draws a confusion matrix: truth by row, prediction by column, each cell with its count and as dark as its share of the row.</summary>
internal static class ConfusionPicture
{
    /// <summary>The most classes that a matrix is drawn for.</summary>
    public const int MostClasses = 256;

    private const int LongestName = 24;
    private const int LargestSide = 2048;
    private const int Margin = 8;
    private const string Columns = "predicted";
    private const string Rows = "true";
    private static readonly (byte Red, byte Green, byte Blue) s_paper = (255, 255, 255);
    private static readonly (byte Red, byte Green, byte Blue) s_ink = (32, 32, 32);
    private static readonly (byte Red, byte Green, byte Blue) s_right = (20, 110, 60);
    private static readonly (byte Red, byte Green, byte Blue) s_wrong = (190, 40, 40);

    /// <summary>The picture; null where the scores have no matrix.</summary>
    /// <param name="scores">The scores of many samples.</param>
    /// <param name="model">The classes, and their names.</param>
    public static ImageBuffer? Draw(AggregatedScores scores, ModelConfig model)
    {
        if (scores.ConfusionCounts is not { } counts)
            return null;
        int classes = model.Classes;
        string[] names = [.. Enumerable.Range(0, classes).Select(c => NameOf(model, c))];
        int digits = counts.Max().ToString(CultureInfo.InvariantCulture).Length;

        // A cell has room for its count, as long as the picture stays of a size to look at.
        int cell = Math.Max(StrokeText.Height + 4, StrokeText.WidthOf(digits) + 6);
        bool hasCounts = cell * classes <= LargestSide;
        if (!hasCounts)
            cell = Math.Max(4, LargestSide / classes);
        bool hasNames = cell >= StrokeText.Height + 2;
        int labels = hasNames ? StrokeText.WidthOf(names.Max(name => name.Length)) + Margin : 0;
        int left = Margin + StrokeText.Height + Margin + labels;
        ImageBuffer picture = new();
        picture.SetSize(left + Math.Max(cell * classes, StrokeText.WidthOf(Columns.Length)) + Margin, left + Math.Max(cell * classes, StrokeText.WidthOf(Rows.Length)) + Margin, 3);
        for (int at = 0; at < picture.Width * picture.Height; at++)
            Set(picture, at, s_paper);
        StrokeText.Draw(picture, Columns, left, Margin, s_ink);
        StrokeText.DrawUpward(picture, Rows, Margin, left + StrokeText.WidthOf(Rows.Length), s_ink);
        for (int truth = 0; truth < classes; truth++)
        {
            if (hasNames)
            {
                StrokeText.Draw(picture, names[truth], left - Margin - StrokeText.WidthOf(names[truth].Length), left + (truth * cell) + ((cell - StrokeText.Height) / 2), s_ink);
                StrokeText.DrawUpward(picture, names[truth], left + (truth * cell) + ((cell - StrokeText.Height) / 2), left - Margin, s_ink);
            }

            long all = Enumerable.Range(0, classes).Sum(found => counts[(truth * classes) + found]);
            for (int found = 0; found < classes; found++)
            {
                long count = counts[(truth * classes) + found];
                double share = all == 0 ? 0 : (double)count / all;
                (int x, int y) = (left + (found * cell), left + (truth * cell));
                Fill(picture, x, y, cell, Mix(truth == found ? s_right : s_wrong, share));
                string text = count.ToString(CultureInfo.InvariantCulture);
                if (hasCounts && count > 0)
                    StrokeText.Draw(picture, text, x + ((cell - StrokeText.WidthOf(text.Length)) / 2), y + ((cell - StrokeText.Height) / 2), share > 0.5 ? s_paper : s_ink);
            }
        }

        return picture;
    }

    /// <summary>A class's name, shortened where it is long, or its number.</summary>
    public static string NameOf(ModelConfig model, int number)
    {
        string name = model.ClassNames is { } names ? names[number] : number.ToString(CultureInfo.InvariantCulture);
        return name.Length > LongestName ? name[..LongestName] : name;
    }

    private static (byte Red, byte Green, byte Blue) Mix((byte Red, byte Green, byte Blue) color, double share) =>
        ((byte)(255 - ((255 - color.Red) * share)), (byte)(255 - ((255 - color.Green) * share)), (byte)(255 - ((255 - color.Blue) * share)));

    // A pixel of paper is left between cells.
    private static void Fill(ImageBuffer picture, int left, int top, int side, (byte Red, byte Green, byte Blue) color)
    {
        for (int y = top; y < top + side - 1; y++)
        {
            for (int x = left; x < left + side - 1; x++)
                Set(picture, (y * picture.Width) + x, color);
        }
    }

    private static void Set(ImageBuffer picture, int at, (byte Red, byte Green, byte Blue) color) =>
        (picture.Pixels[at * 3], picture.Pixels[(at * 3) + 1], picture.Pixels[(at * 3) + 2]) = color;
}
