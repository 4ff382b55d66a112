namespace RobustTrain.Platform;

/// <summary>What Linux lets a process have (getrlimit(2)); null where there is no limit.</summary>
public static class ResourceLimit
{
    // asm-generic/resource.h
    private const int Processes = 6;
    private const int Descriptors = 7;

    /// <summary>Descriptors of this process. .NET has raised the soft limit to the hard one.</summary>
    public static ulong? OfDescriptors() => Of(Descriptors);

    /// <summary>Processes and threads of this user.</summary>
    public static ulong? OfProcesses() => Of(Processes);

    private static ulong? Of(int resource) =>
        Libc.Limit(resource, out Libc.ResourceLimits limits) == 0 && limits.Soft != ulong.MaxValue ? limits.Soft : null;
}
