using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.Versioning;

namespace RobustTrain.Platform;

/// <summary>A job object of Windows, which kills its processes when its last handle is closed: by this process, or by its end, whatever that was.</summary>
[SupportedOSPlatform("windows")]
internal sealed class ChildJob : IDisposable
{
    private const int ExtendedLimits = 9;
    private const uint KillOnClose = 0x2000;

    private nint _job;

    /// <exception cref="Win32Exception">Windows refuses it.</exception>
    public ChildJob()
    {
        _job = Kernel32.CreateJob(0, 0);
        Kernel32.JobLimits limits = new() { Flags = KillOnClose };
        if (_job == 0 || !Kernel32.SetJobLimits(_job, ExtendedLimits, limits, Unsafe.SizeOf<Kernel32.JobLimits>()))
            throw new Win32Exception();
    }

    /// <summary>The job of children that end with this process and not before. It is never closed but by the process's end, so that it is a static.</summary>
    public static Lazy<ChildJob> OfThisProcess { get; } = new(() => new ChildJob());

    /// <summary>Puts a process into the job.</summary>
    /// <exception cref="Win32Exception">Windows refuses it, for another reason than that the process has ended.</exception>
    public void Add(System.Diagnostics.Process process)
    {
        if (!Kernel32.AssignToJob(_job, process.SafeHandle.DangerousGetHandle()) && new Win32Exception() is var refused && !process.HasExited)
            throw refused;
    }

    public void Dispose()
    {
        if (_job != 0)
            Kernel32.Close(_job);
        _job = 0;
    }
}
