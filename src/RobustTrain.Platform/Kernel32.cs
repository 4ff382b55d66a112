using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace RobustTrain.Platform;

/// <summary>Windows' functions, each bound once.</summary>
[SupportedOSPlatform("windows")]
internal static unsafe partial class Kernel32
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

    [LibraryImport(Library, EntryPoint = "GetCurrentThreadId")]
    public static partial int ThreadId();

    [LibraryImport(Library, EntryPoint = "GetOEMCP")]
    public static partial uint ConsoleCodePage();

    [LibraryImport(Library, EntryPoint = "GetActiveProcessorGroupCount")]
    public static partial ushort ProcessorGroups();

    [LibraryImport(Library, EntryPoint = "OpenProcess", SetLastError = true)]
    public static partial nint OpenProcess(uint access, [MarshalAs(UnmanagedType.Bool)] bool inherit, int process);

    [LibraryImport(Library, EntryPoint = "OpenThread", SetLastError = true)]
    public static partial nint OpenThread(uint access, [MarshalAs(UnmanagedType.Bool)] bool inherit, int thread);

    [LibraryImport(Library, EntryPoint = "SuspendThread", SetLastError = true)]
    public static partial int SuspendThread(nint thread);

    [LibraryImport(Library, EntryPoint = "ResumeThread", SetLastError = true)]
    public static partial int ResumeThread(nint thread);

    [LibraryImport(Library, EntryPoint = "ReadProcessMemory", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool ReadMemory(nint process, nint address, void* buffer, nuint bytes, out nuint read);

    [LibraryImport("advapi32", EntryPoint = "OpenProcessToken", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool OpenToken(nint process, uint access, out nint token);

    [LibraryImport(Library, EntryPoint = "GetCurrentProcess")]
    public static partial nint CurrentProcess();

    [LibraryImport(Library, EntryPoint = "TerminateProcess", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool Terminate(nint process, uint exitCode);

    [LibraryImport(Library, EntryPoint = "GetStdHandle", SetLastError = true)]
    public static partial nint StandardHandle(int which);

    [LibraryImport(Library, EntryPoint = "ReadFile", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool Read(nint file, byte* buffer, uint count, out uint read, nint overlapped);

    [LibraryImport(Library, EntryPoint = "WriteFile", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool Write(nint file, byte* bytes, uint count, out uint written, nint overlapped);

    [LibraryImport(Library, EntryPoint = "SetHandleInformation", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool SetHandleFlags(nint handle, uint mask, uint flags);

    [LibraryImport(Library, EntryPoint = "CloseHandle", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool Close(nint handle);

    [LibraryImport(Library, EntryPoint = "SetConsoleCtrlHandler", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool SetConsoleHandler(nint handler, [MarshalAs(UnmanagedType.Bool)] bool add);

    [LibraryImport(Library, EntryPoint = "CreateJobObjectW", SetLastError = true)]
    public static partial nint CreateJob(nint security, nint name);

    [LibraryImport(Library, EntryPoint = "SetInformationJobObject", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool SetJobLimits(nint job, int kind, in JobLimits limits, int bytes);

    [LibraryImport(Library, EntryPoint = "QueryInformationJobObject", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool QueryJob(nint job, int kind, void* information, int bytes, nint returned);

    [LibraryImport(Library, EntryPoint = "AssignProcessToJobObject", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool AssignToJob(nint job, nint process);

    [LibraryImport(Library, EntryPoint = "CreateProcessW", StringMarshalling = StringMarshalling.Utf16, SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool CreateProcess(
        string program, char* commandLine, nint processSecurity, nint threadSecurity, [MarshalAs(UnmanagedType.Bool)] bool inherit, uint flags,
        char* environment, string folder, in StartupInfo startup, out ProcessInformation started);

    [LibraryImport(Library, EntryPoint = "InitializeProcThreadAttributeList", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool InitializeAttributes(byte* list, int count, int flags, ref nuint bytes);

    [LibraryImport(Library, EntryPoint = "UpdateProcThreadAttribute", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool UpdateAttribute(byte* list, uint flags, nuint attribute, void* value, nuint bytes, nint previous, nint returned);

    [LibraryImport(Library, EntryPoint = "DeleteProcThreadAttributeList")]
    public static partial void DeleteAttributes(byte* list);

    /// <summary>JOBOBJECT_EXTENDED_LIMIT_INFORMATION.</summary>
    internal struct JobLimits
    {
        public long ProcessTime;
        public long JobTime;
        public uint Flags;
        public nuint LeastWorkingSet;
        public nuint MostWorkingSet;
        public uint MostProcesses;
        public nuint Affinity;
        public uint Priority;
        public uint Scheduling;
        public ulong ReadOperations;
        public ulong WriteOperations;
        public ulong OtherOperations;
        public ulong ReadBytes;
        public ulong WriteBytes;
        public ulong OtherBytes;
        public nuint ProcessMemory;
        public nuint JobMemory;
        public nuint PeakProcessMemory;
        public nuint PeakJobMemory;
    }

    /// <summary>STARTUPINFOEXW.</summary>
    internal struct StartupInfo
    {
        public int Bytes;
        public nint Reserved;
        public nint Desktop;
        public nint Title;
        public int X;
        public int Y;
        public int Width;
        public int Height;
        public int Columns;
        public int Rows;
        public int Fill;
        public int Flags;
        public short Show;
        public short ReservedBytes;
        public nint ReservedData;
        public nint Input;
        public nint Output;
        public nint Error;
        public byte* Attributes;
    }

    internal struct ProcessInformation
    {
        public nint Process;
        public nint Thread;
        public int ProcessId;
        public int ThreadId;
    }

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
