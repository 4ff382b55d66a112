using System.Runtime.InteropServices;

namespace RobustTrain.Native.Interop;

/// <summary>Owns one torch::jit::Module*.</summary>
internal sealed class ScriptHandle : SafeHandle
{
    internal ScriptHandle(nint handle) : base(0, true) => SetHandle(handle);

    public override bool IsInvalid => handle == 0;

    internal nint Value
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsClosed, this);
            return handle;
        }
    }

    protected override bool ReleaseHandle()
    {
        NativeMethods.rt_script_free(handle);
        return true;
    }
}
