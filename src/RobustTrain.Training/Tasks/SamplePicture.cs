using RobustTrain.Data.Imaging;

namespace RobustTrain.Training.Tasks;

/// <summary>A picture of a sample, for people.</summary>
/// <param name="Name">What it shows: <c>input</c> (<c>input1</c> and <c>input2</c> of two), <c>truth</c>, <c>prediction</c>, <c>score</c>.</param>
/// <param name="Image">The picture, grey or RGB.</param>
public sealed record SamplePicture(string Name, ImageBuffer Image)
{
    private const int Gap = 4;
    private const byte GapGrey = 128;

    /// <summary>Whether it tells more than what stands side by side.</summary>
    public bool IsDetail { get; init; }

    /// <summary>Pictures side by side, without details, in RGB.</summary>
    public static ImageBuffer SideBySide(IEnumerable<SamplePicture> pictures)
    {
        ImageBuffer[] columns = [.. pictures.Where(picture => !picture.IsDetail).Select(picture => picture.Image)];
        ImageBuffer row = new();
        row.SetSize(columns.Sum(column => column.Width + Gap) - Gap, columns.Max(column => column.Height), 3);
        row.Pixels.Fill(GapGrey);
        int left = 0;
        foreach (ImageBuffer column in columns)
        {
            Paste(column, row, left, top: 0);
            left += column.Width + Gap;
        }

        return row;
    }

    /// <summary>Copies an image into a larger one of as many channels, or of three.</summary>
    internal static void Paste(ImageBuffer image, ImageBuffer target, int left, int top)
    {
        for (int y = 0; y < image.Height; y++)
        {
            ReadOnlySpan<byte> from = image.Row(y);
            Span<byte> to = target.Row(top + y).Slice(left * target.Channels, image.Width * target.Channels);
            if (image.Channels == target.Channels)
            {
                from.CopyTo(to);
                continue;
            }

            for (int at = 0; at < to.Length; at++)
                to[at] = from[at / target.Channels];
        }
    }
}

/// <summary>Where a sample belongs in what people look at.</summary>
/// <param name="Picture">The image that it is, or is a tile of.</param>
/// <param name="X">The column of its corner there.</param>
/// <param name="Y">The row.</param>
public readonly record struct PicturePlace(string Picture, int X, int Y);
