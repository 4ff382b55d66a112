using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace RobustTrain.Platform;

/// <summary>Windows' functions, each bound once.</summary>
[SupportedOSPlatform("windows")]
internal static partial class Kernel32
{
    private const string Library = "kernel32";

    [LibraryImport(Library, EntryPoint = "GetCurrentThread")]
    public static partial nint CurrentThread();

    [LibraryImport(Library, EntryPoint = "GetThreadTimes")]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool ThreadTimes(nint thread, out long creation, out long exit, out long kernel, out long user);

    [LibraryImport(Library, EntryPoint = "GetSystemTimes", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool SystemTimes(out long idle, out long kernel, out long user);

    [LibraryImport(Library, EntryPoint = "GlobalMemoryStatusEx", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool GetMemory(ref MemoryStatus status);

    internal struct MemoryStatus
    {
        public uint Length;
        public uint Load;
        public ulong TotalPhysical;
        public ulong AvailablePhysical;
        public ulong TotalPageFile;
        public ulong AvailablePageFile;
        public ulong TotalVirtual;
        public ulong AvailableVirtual;
        public ulong AvailableExtendedVirtual;
    }
}
