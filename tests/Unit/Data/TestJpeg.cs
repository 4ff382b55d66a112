using System.Runtime.InteropServices;

namespace RobustTrain.Tests.Data;

/// <summary>JPEG files made for a test, by libjpeg-turbo's own encoder.</summary>
internal static unsafe partial class TestJpeg
{
    public const int Full = 0;
    public const int HalfColumns = 1;
    public const int Quarter = 2;
    public const int Grey = 3;
    public const int HalfRows = 4;
    public const int QuarterColumns = 5;

    private const int Cmyk = 11;
    private const string Library = "libturbojpeg.so.0";
    private const int Progressive = 16384;

    /// <summary>Encodes interleaved RGB.</summary>
    public static byte[] Of(int width, int height, ReadOnlySpan<byte> pixels, int sampling, int quality = 90, bool isProgressive = false)
    {
        nint encoder = Open();
        byte* jpeg = null;
        CULong length = default;
        try
        {
            fixed (byte* source = pixels)
                Assert.Equal(0, Compress(encoder, source, width, 0, height, 0, &jpeg, &length, sampling, quality, isProgressive ? Progressive : 0));
            return new ReadOnlySpan<byte>(jpeg, (int)length.Value).ToArray();
        }
        finally
        {
            Free(jpeg);
            _ = Close(encoder);
        }
    }

    /// <summary>Encodes CMYK of one colour, without loss as far as JPEG allows it.</summary>
    public static byte[] OfCmyk(int width, int height, params byte[] color)
    {
        byte[] pixels = [.. Enumerable.Range(0, width * height).SelectMany(_ => color)];
        nint encoder = Open();
        byte* jpeg = null;
        CULong length = default;
        try
        {
            fixed (byte* source = pixels)
                Assert.Equal(0, Compress(encoder, source, width, 0, height, Cmyk, &jpeg, &length, Full, 100, 0));
            return new ReadOnlySpan<byte>(jpeg, (int)length.Value).ToArray();
        }
        finally
        {
            Free(jpeg);
            _ = Close(encoder);
        }
    }

    /// <summary>The file with a block of EXIF behind its first marker.</summary>
    public static byte[] WithExif(byte[] jpeg, byte[] exif) =>
        [.. jpeg[..2], 0xFF, 0xE1, (byte)((exif.Length + 8) >> 8), (byte)(exif.Length + 8), .. "Exif\0\0"u8, .. exif, .. jpeg[2..]];

    [LibraryImport(Library, EntryPoint = "tjInitCompress")]
    private static partial nint Open();

    [LibraryImport(Library, EntryPoint = "tjCompress2")]
    private static partial int Compress(nint handle, byte* source, int width, int pitch, int height, int pixelFormat, byte** jpeg, CULong* length, int sampling, int quality, int flags);

    [LibraryImport(Library, EntryPoint = "tjFree")]
    private static partial void Free(byte* buffer);

    [LibraryImport(Library, EntryPoint = "tjDestroy")]
    private static partial int Close(nint handle);
}
