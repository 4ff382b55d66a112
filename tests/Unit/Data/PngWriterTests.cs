using RobustTrain.Data.Imaging;

namespace RobustTrain.Tests.Data;

public sealed class PngWriterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(301, 7, 1)]
    [InlineData(301, 300, 3)]
    public void What_is_written_reads_back_to_the_same_pixels(int width, int height, int channels)
    {
        ImageBuffer image = new();
        image.SetSize(width, height, channels);
        new Random(width).NextBytes(image.Pixels);
        using (FileStream file = File.Create(_folder.At("a.png")))
            PngWriter.Write(file, image);

        using ImageReader reader = new();
        ImageBuffer found = new();
        reader.Decode(_folder.At("a.png"), found);

        Assert.Equal((width, height, channels), (found.Width, found.Height, found.Channels));
        Assert.Equal(image.Pixels.ToArray(), found.Pixels.ToArray());
    }

    [Fact]
    public void A_palette_s_indices_are_the_classes()
    {
        byte[] classes = [0, 1, 2, 2, 1, 0];
        using (FileStream file = File.Create(_folder.At("a.png")))
        using (PngWriter writer = new(file, 3, 2, PngColor.Palette, [0, 0, 0, 200, 10, 20, 5, 100, 250]))
        {
            writer.WriteRow(classes.AsSpan(0, 3));
            writer.WriteRow(classes.AsSpan(3));
        }

        using ImageReader reader = new();
        ImageBuffer found = new();
        reader.Decode(_folder.At("a.png"), found, keepIndices: true);
        Assert.Equal(classes, found.Pixels.ToArray());
        reader.Decode(_folder.At("a.png"), found);
        Assert.Equal([0, 0, 0, 200, 10, 20, 5, 100, 250], found.Row(0).ToArray());
    }
}
