using System.Runtime.InteropServices;

namespace RobustTrain.Host.Limits;

/// <summary>What Linux lets a process have (getrlimit(2)); null where there is no limit.</summary>
internal static partial class ResourceLimit
{
    // asm-generic/resource.h
    private const int Processes = 6;
    private const int Descriptors = 7;

    /// <summary>Descriptors of this process. .NET has raised the soft limit to the hard one.</summary>
    public static ulong? OfDescriptors() => Of(Descriptors);

    /// <summary>Processes and threads of this user.</summary>
    public static ulong? OfProcesses() => Of(Processes);

    /// <summary>The real user's id.</summary>
    [LibraryImport("libc", EntryPoint = "getuid")]
    public static partial uint UserId();

    private static ulong? Of(int resource) => Get(resource, out Values values) == 0 && values.Soft != ulong.MaxValue ? values.Soft : null;

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int Get(int resource, out Values values);

    private struct Values
    {
        public ulong Soft;
        public ulong Hard;
    }
}
