using System.Runtime.InteropServices;

namespace RobustTrain.Data.Imaging;

/// <summary>A decompressor of libdeflate; one thread at a time.</summary>
internal sealed class DeflateHandle : SafeHandle
{
    public DeflateHandle()
        : base(invalidHandleValue: 0, ownsHandle: true)
    {
        if (!ImageLibraries.HasDeflate)
            throw new DllNotFoundException("libdeflate, which inflates PNG, was not found; on Debian and Ubuntu: apt-get install libdeflate0.");
        SetHandle(DeflateNative.AllocateDecompressor());
        if (IsInvalid)
            throw new OutOfMemoryException("libdeflate could not create a decompressor.");
    }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        DeflateNative.FreeDecompressor(handle);
        return true;
    }
}
