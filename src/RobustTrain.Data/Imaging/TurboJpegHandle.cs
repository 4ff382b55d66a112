using System.Runtime.InteropServices;

namespace RobustTrain.Data.Imaging;

/// <summary>A decompressor of libjpeg-turbo; for one thread at a time.</summary>
internal sealed class TurboJpegHandle : SafeHandle
{
    public TurboJpegHandle()
        : base(0, ownsHandle: true)
    {
        ImageLibraries.Require(ImageFormat.Jpeg);
        SetHandle(TurboJpegNative.InitDecompress());
        if (IsInvalid)
            throw new OutOfMemoryException("libjpeg-turbo could not create a decompressor.");
    }

    public override bool IsInvalid => handle == 0;

    public string LastError => Marshal.PtrToStringUTF8(TurboJpegNative.GetErrorStr2(this)) ?? "unknown error";

    protected override bool ReleaseHandle() => TurboJpegNative.Destroy(handle) == 0;
}
