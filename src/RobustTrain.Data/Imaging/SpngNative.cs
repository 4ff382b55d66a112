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

/// <summary>A decoding context of libspng, good for one image; on the stack, because one is needed for every image.</summary>
internal readonly ref struct SpngContext
{
    private readonly nint _context;

    public SpngContext()
    {
        ImageLibraries.Require(ImageFormat.Png);
        _context = SpngNative.ContextNew(SpngNative.ContextIgnoreAdler32);
        if (_context == 0)
            throw new OutOfMemoryException("libspng could not create a decoding context.");
    }

    /// <summary>Decodes a whole image; null where it succeeds, else what libspng says.</summary>
    public unsafe string? Decode(byte* file, nuint fileLength, byte* target, nuint targetLength, int format)
    {
        int error = SpngNative.SetPngBuffer(_context, file, fileLength);
        if (error == 0)
            error = SpngNative.DecodeImage(_context, target, targetLength, format, 0);
        if (error == 0)
            error = SpngNative.DecodeChunks(_context);
        if (error == SpngNative.OutOfMemory)
            throw new OutOfMemoryException("libspng could not decode an image: memory is short.");
        return error == 0 ? null : Marshal.PtrToStringUTF8(SpngNative.StrError(error)) ?? $"error {error}";
    }

    public void Dispose() => SpngNative.ContextFree(_context);
}
