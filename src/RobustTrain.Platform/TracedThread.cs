using System.ComponentModel;
using System.Runtime.InteropServices;

namespace RobustTrain.Platform;

/// <summary>
/// A thread of another process that stands still while it is looked at. It is seized, not attached to: an attached thread is stopped by
/// a SIGSTOP, which stops its whole process for good where the tracer is killed at the wrong moment; a seized one just goes on. The
/// process's other threads never stop. To be used and disposed of by one thread, as ptrace(2) demands.
/// </summary>
public sealed unsafe class TracedThread : IDisposable
{
    // linux/ptrace.h and linux/wait.h.
    private const nint SeizeRequest = 0x4206;
    private const nint InterruptRequest = 0x4207;
    private const nint DetachRequest = 17;
    private const int WaitForAnyThread = 0x40000000;

    private readonly int _thread;

    private TracedThread(int thread) => _thread = thread;

    /// <summary>Stops a thread, and waits until it stands, which one that the kernel holds never does.</summary>
    /// <param name="thread">The system's id of the thread.</param>
    /// <exception cref="Win32Exception">The system does not permit it, or there is no such thread.</exception>
    public static TracedThread Stop(int thread)
    {
        Require(Libc.Trace(SeizeRequest, thread, 0, 0));
        TracedThread traced = new(thread);
        Require(Libc.Trace(InterruptRequest, thread, 0, 0));
        int status;
        Require(Libc.WaitFor(thread, &status, WaitForAnyThread));
        return traced;
    }

    /// <summary>Lets the thread go on.</summary>
    public void Dispose() => _ = Libc.Trace(DetachRequest, _thread, 0, 0);

    private static void Require(nint result)
    {
        if (result >= 0)
            return;
        int error = Marshal.GetLastPInvokeError();
        throw new Win32Exception(error, $"the system does not let the thread be traced ({Marshal.GetPInvokeErrorMessage(error)})");
    }
}
