using System.Runtime.InteropServices;

namespace RobustTrain.Data.Imaging;

/// <summary>libdeflate 1 (libdeflate.h): inflates a whole buffer at once.</summary>
internal static unsafe partial class DeflateNative
{
    public const string Library = "deflate";

    public const int Success = 0;

    [LibraryImport(Library, EntryPoint = "libdeflate_alloc_decompressor")]
    public static partial nint AllocateDecompressor();

    [LibraryImport(Library, EntryPoint = "libdeflate_free_decompressor")]
    public static partial void FreeDecompressor(nint decompressor);

    /// <summary>Inflates a zlib stream and checks its Adler-32 sum.</summary>
    [LibraryImport(Library, EntryPoint = "libdeflate_zlib_decompress_ex")]
    public static partial int DecompressZlib(DeflateHandle decompressor, byte* source, nuint sourceLength, byte* target, nuint targetLength, out nuint sourceUsed, out nuint targetUsed);

    /// <summary>Goes on with the CRC-32 of what came before; 0 begins one.</summary>
    [LibraryImport(Library, EntryPoint = "libdeflate_crc32")]
    public static partial uint Crc32(uint crc, byte* bytes, nuint length);
}
