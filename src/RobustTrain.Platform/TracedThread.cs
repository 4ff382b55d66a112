using System.ComponentModel;
using System.Runtime.InteropServices;

namespace RobustTrain.Platform;

/// <summary>
/// A thread of another process that stands still while it is looked at; the process's other threads never stop. On Linux it is seized, not
/// attached to: an attached thread is stopped by a SIGSTOP, which stops its whole process for good where the tracer is killed at the wrong
/// moment; a seized one just goes on. On Windows it is suspended, and stays so where its tracer is killed: <see cref="Release"/>.
/// To be used and disposed of by one thread, as ptrace(2) demands.
/// </summary>
public sealed unsafe class TracedThread : IDisposable
{
    // linux/ptrace.h and linux/wait.h.
    private const nint SeizeRequest = 0x4206;
    private const nint InterruptRequest = 0x4207;
    private const nint DetachRequest = 17;
    private const int WaitForAnyThread = 0x40000000;

    // THREAD_SUSPEND_RESUME.
    private const uint SuspendAndResume = 2;

    private readonly int _thread;
    private nint _handle;

    private TracedThread(int thread) => _thread = thread;

    /// <summary>Stops a thread, and waits until it stands, which one that the kernel holds never does.</summary>
    /// <param name="thread">The system's id of the thread.</param>
    /// <exception cref="Win32Exception">The system does not permit it, or there is no such thread.</exception>
    public static TracedThread Stop(int thread)
    {
        if (OperatingSystem.IsWindows())
        {
            nint handle = Kernel32.OpenThread(SuspendAndResume, inherit: false, thread);
            Require(handle == 0 ? -1 : 0);
            TracedThread suspended = new(thread) { _handle = handle };
            Require(Kernel32.SuspendThread(handle));
            return suspended;
        }

        Require(Libc.Trace(SeizeRequest, thread, 0, 0));
        TracedThread traced = new(thread);
        Require(Libc.Trace(InterruptRequest, thread, 0, 0));
        int status;
        Require(Libc.WaitFor(thread, &status, WaitForAnyThread));
        return traced;
    }

    /// <summary>Lets a thread go on that a tracer may have left suspended when it was killed; elsewhere nothing is needed.</summary>
    /// <param name="thread">The system's id of the thread, which may have ended.</param>
    public static void Release(int thread)
    {
        if (!OperatingSystem.IsWindows() || Kernel32.OpenThread(SuspendAndResume, inherit: false, thread) is not (not 0 and nint handle))
            return;
        _ = Kernel32.ResumeThread(handle);
        Kernel32.Close(handle);
    }

    /// <summary>Lets the thread go on.</summary>
    public void Dispose()
    {
        if (!OperatingSystem.IsWindows())
        {
            _ = Libc.Trace(DetachRequest, _thread, 0, 0);
            return;
        }

        _ = Kernel32.ResumeThread(_handle);
        Kernel32.Close(_handle);
    }

    private static void Require(nint result)
    {
        if (result >= 0)
            return;
        int error = Marshal.GetLastPInvokeError();
        throw new Win32Exception(error, $"the system does not let the thread be traced ({Marshal.GetPInvokeErrorMessage(error)})");
    }
}
