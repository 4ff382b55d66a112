using System.Runtime.InteropServices;

namespace RobustTrain.Data.Imaging;

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
