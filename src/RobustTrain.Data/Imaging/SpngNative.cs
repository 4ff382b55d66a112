using System.Runtime.InteropServices;

namespace RobustTrain.Data.Imaging;

/// <summary>libspng 0.7 (spng.h).</summary>
internal static unsafe partial class SpngNative
{
    public const string Library = "spng";

    /// <summary>SPNG_CTX_IGNORE_ADLER32: each chunk's CRC already covers the same bytes.</summary>
    public const int ContextIgnoreAdler32 = 1;

    public const int OutOfMemory = 2;

    public const int FormatRgb8 = 4;
    public const int FormatG8 = 64;
    public const int FormatPng = 256;

    [LibraryImport(Library, EntryPoint = "spng_ctx_new")]
    public static partial nint ContextNew(int flags);

    [LibraryImport(Library, EntryPoint = "spng_ctx_free")]
    public static partial void ContextFree(nint context);

    [LibraryImport(Library, EntryPoint = "spng_set_png_buffer")]
    public static partial int SetPngBuffer(nint context, byte* buffer, nuint size);

    [LibraryImport(Library, EntryPoint = "spng_decode_image")]
    public static partial int DecodeImage(nint context, byte* target, nuint length, int format, int flags);

    [LibraryImport(Library, EntryPoint = "spng_decode_chunks")]
    public static partial int DecodeChunks(nint context);

    [LibraryImport(Library, EntryPoint = "spng_strerror")]
    public static partial nint StrError(int error);
}
