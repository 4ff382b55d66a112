using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace RobustTrain.Platform;

/// <summary>Functions of Windows' ntdll, each bound once.</summary>
[SupportedOSPlatform("windows")]
internal static unsafe partial class NativeSystem
{
    private const string Library = "ntdll";

    [LibraryImport(Library, EntryPoint = "NtSuspendProcess")]
    public static partial int Suspend(nint process);

    [LibraryImport(Library, EntryPoint = "NtQueryInformationProcess")]
    public static partial int Query(nint process, int kind, out BasicInformation information, int bytes, out int returned);

    [LibraryImport(Library, EntryPoint = "NtQueryInformationThread")]
    public static partial int QueryThread(nint thread, int kind, out uint information, int bytes, out int returned);

    [LibraryImport(Library, EntryPoint = "NtQuerySystemInformation")]
    public static partial int QuerySystem(int kind, void* information, int bytes, out int returned);

    [LibraryImport(Library, EntryPoint = "NtQuerySystemInformationEx")]
    public static partial int QuerySystemOf(int kind, in ushort group, int groupBytes, void* information, int bytes, out int returned);

    /// <summary>PROCESS_BASIC_INFORMATION.</summary>
    internal struct BasicInformation
    {
        public nint ExitStatus;
        public nint Environment;
        public nint Affinity;
        public nint Priority;
        public nint ProcessId;
        public nint ParentId;
    }
}

/// <summary>Functions of Windows' C runtime, each bound once.</summary>
[SupportedOSPlatform("windows")]
internal static unsafe partial class UniversalRuntime
{
    private const string Library = "ucrtbase";

    [LibraryImport(Library, EntryPoint = "_wputenv_s", StringMarshalling = StringMarshalling.Utf16)]
    public static partial int SetVariable(string name, string value);

    [LibraryImport(Library, EntryPoint = "memset")]
    public static partial nint Fill(void* target, int value, nuint count);
}
