using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.Versioning;

namespace RobustTrain.Platform;

/// <summary>A job object of Windows, which kills its processes when its last handle is closed: by this process, or by its end, whatever that was.</summary>
[SupportedOSPlatform("windows")]
internal sealed class ChildJob : IDisposable
{
    private const int ProcessList = 3;
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

    /// <summary>The processes of the job that live.</summary>
    /// <exception cref="Win32Exception">Windows does not tell, or there are more than 1,000.</exception>
    public unsafe IReadOnlyList<int> ProcessIds()
    {
        // JOBOBJECT_BASIC_PROCESS_ID_LIST: two numbers of 32 bits, of which the second says how many words follow.
        const int most = 1000;
        nint* list = stackalloc nint[1 + most];
        if (!Kernel32.QueryJob(_job, ProcessList, list, (1 + most) * sizeof(nint), 0))
            throw new Win32Exception();
        int count = ((int*)list)[1];
        return [.. new ReadOnlySpan<nint>(list + 1, count).ToArray().Select(id => (int)id)];
    }

    public void Dispose()
    {
        if (_job != 0)
            Kernel32.Close(_job);
        _job = 0;
    }
}
