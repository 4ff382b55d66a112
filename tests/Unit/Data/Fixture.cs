using RobustTrain.SampleData;

namespace RobustTrain.Tests.Data;

/// <summary>The image files beside the tests; <c>Fixtures/make.py</c> makes them with Pillow.</summary>
internal static class Fixture
{
    public const int Width = 32;
    public const int Height = 24;

    public static string PathOf(string name) => Path.Combine(AppContext.BaseDirectory, "Data", "Fixtures", name);

    public static byte[] Bytes(string name) => File.ReadAllBytes(PathOf(name));

    /// <summary>The pixels that the lossless RGB fixtures were made from.</summary>
    public static byte[] Rgb()
    {
        byte[] pixels = new byte[Width * Height * 3];
        for (int y = 0; y < Height; y++)
        {
            for (int x = 0; x < Width; x++)
            {
                int place = ((y * Width) + x) * 3;
                pixels[place] = (byte)(x * 8);
                pixels[place + 1] = (byte)(y * 10);
                pixels[place + 2] = (byte)((x + y) * 4);
            }
        }

        return pixels;
    }
}
