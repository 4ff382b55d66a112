using RobustTrain.Data.Imaging;

namespace RobustTrain.Tests.Data;

/// <summary>Images made for a test, as BMP files.</summary>
internal static class TestImage
{
    public static byte[] Grey(int width, int height, Func<int, int, int> value)
    {
        ImageBuffer image = new();
        image.SetSize(width, height, 1);
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
                image.Row(y)[x] = (byte)value(x, y);
        }

        return BmpEncoder.Encode(image);
    }

    /// <summary>An image whose pixels say where they are: red the column, green the row, blue a constant.</summary>
    public static byte[] Coordinates(int width, int height, int blue)
    {
        ImageBuffer image = new();
        image.SetSize(width, height, 3);
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
                (image.Row(y)[x * 3], image.Row(y)[(x * 3) + 1], image.Row(y)[(x * 3) + 2]) = ((byte)x, (byte)y, (byte)blue);
        }

        return BmpEncoder.Encode(image);
    }
}
