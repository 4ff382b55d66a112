using System.Runtime.InteropServices;

namespace RobustTrain.Data.Imaging;

/// <summary>The TurboJPEG API of libjpeg-turbo 2 and later (turbojpeg.h).</summary>
internal static unsafe partial class TurboJpegNative
{
    public const string Library = "turbojpeg";
    public const int PixelFormatRgb = 0;
    public const int PixelFormatGray = 6;
    public const int PixelFormatCmyk = 11;
    public const int ColorspaceGray = 2;
    public const int ColorspaceCmyk = 3;
    public const int ColorspaceYcck = 4;
    public const int ErrorIsWarning = 0;
    public const int Sampling420 = 2;
    public const int SamplingGray = 3;
    public const int FlagNoReallocation = 1024;
    public const int FlagAccurateDct = 4096;

    [LibraryImport(Library, EntryPoint = "tjInitDecompress")]
    public static partial nint InitDecompress();

    [LibraryImport(Library, EntryPoint = "tjInitCompress")]
    public static partial nint InitCompress();

    [LibraryImport(Library, EntryPoint = "tjBufSize")]
    public static partial CULong BufferSize(int width, int height, int subsampling);

    [LibraryImport(Library, EntryPoint = "tjCompress2")]
    public static partial int Compress2(TurboJpegHandle handle, byte* source, int width, int pitch, int height, int pixelFormat, ref byte* jpeg, ref CULong size, int subsampling, int quality, int flags);

    // C's unsigned long has the machine's word on Unix (CULong), 32 bits on Windows.
    [LibraryImport(Library, EntryPoint = "tjDecompressHeader3")]
    public static partial int DecompressHeader3(TurboJpegHandle handle, byte* jpeg, CULong size, out int width, out int height, out int subsampling, out int colorspace);

    [LibraryImport(Library, EntryPoint = "tjDecompress2")]
    public static partial int Decompress2(TurboJpegHandle handle, byte* jpeg, CULong size, byte* target, int width, int pitch, int height, int pixelFormat, int flags);

    [LibraryImport(Library, EntryPoint = "tjDestroy")]
    public static partial int Destroy(nint handle);

    [LibraryImport(Library, EntryPoint = "tjGetErrorStr2")]
    public static partial nint GetErrorStr2(TurboJpegHandle handle);

    [LibraryImport(Library, EntryPoint = "tjGetErrorCode")]
    public static partial int GetErrorCode(TurboJpegHandle handle);
}

/// <summary>A compressor or a decompressor of libjpeg-turbo; for one thread at a time.</summary>
internal sealed class TurboJpegHandle : SafeHandle
{
    public TurboJpegHandle(bool compresses = false)
        : base(0, ownsHandle: true)
    {
        ImageLibraries.Require(ImageFormat.Jpeg);
        SetHandle(compresses ? TurboJpegNative.InitCompress() : TurboJpegNative.InitDecompress());
        if (IsInvalid)
            throw new OutOfMemoryException($"libjpeg-turbo could not create a {(compresses ? "compressor" : "decompressor")}.");
    }

    public override bool IsInvalid => handle == 0;

    public string LastError => Marshal.PtrToStringUTF8(TurboJpegNative.GetErrorStr2(this)) ?? "unknown error";

    protected override bool ReleaseHandle() => TurboJpegNative.Destroy(handle) == 0;
}
