using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Security.Principal;

namespace RobustTrain.Platform;

/// <summary>A process of Windows at one time.</summary>
/// <param name="Id">Its id; 0 is the time that no process has used.</param>
/// <param name="ParentId">The process that started it, which may be gone.</param>
/// <param name="Name">The program's file name.</param>
/// <param name="Start">When it started, as a file time: in units of 100 ns; 0 for the kernel's own.</param>
/// <param name="CpuTime">The time of all its threads, kernel and user.</param>
/// <param name="MemoryBytes">Its working set.</param>
/// <param name="Threads">Its threads.</param>
/// <param name="RunnableThreads">Those that run or wait for a processor.</param>
public readonly record struct WindowsProcess(int Id, int ParentId, string Name, long Start, TimeSpan CpuTime, long MemoryBytes, int Threads, int RunnableThreads);

/// <summary>The processes of this Windows, also those of other users.</summary>
[SupportedOSPlatform("windows")]
public static unsafe class WindowsProcesses
{
    private const int AllProcesses = 5;
    private const int SuspendCount = 35;
    private const int TooShort = unchecked((int)0xC0000004);
    private const uint QueryProcess = 0x1000;
    private const uint ReadMemory = 0x10;
    private const uint QueryThread = 0x40;
    private const uint QueryToken = 8;

    /// <summary>All of them.</summary>
    /// <exception cref="Win32Exception">Windows does not tell.</exception>
    public static IReadOnlyList<WindowsProcess> List()
    {
        List<WindowsProcess> processes = [];
        Visit(process =>
        {
            string name = process->Name == null ? process->Id == 0 ? "Idle" : "System" : new string(process->Name, 0, process->NameBytes / sizeof(char));
            int runnable = 0;
            foreach (ref readonly ThreadInformation thread in ThreadsOf(process))
            {
                // Ready, running, chosen to run next, and ready on another processor (KTHREAD_STATE).
                if (thread.State is 1 or 2 or 3 or 7)
                    runnable++;
            }

            processes.Add(new WindowsProcess((int)process->Id, (int)process->ParentId, name, process->Created, TimeSpan.FromTicks(process->UserTime + process->KernelTime), (long)process->WorkingSet, (int)process->Threads, runnable));
        });
        return processes;
    }

    /// <summary>Whether every thread of a process has been suspended, so that it does nothing until it is let go on.</summary>
    /// <exception cref="Win32Exception">Windows does not tell.</exception>
    public static bool IsSuspended(int processId)
    {
        bool found = false, stands = true;
        Visit(process =>
        {
            if (process->Id != processId)
                return;
            foreach (ref readonly ThreadInformation thread in ThreadsOf(process))
            {
                found = true;
                stands = stands && IsThreadSuspended((int)thread.Id);
            }
        });
        return found && stands;
    }

    /// <summary>The thread that a process began with; null where there is no such process.</summary>
    /// <exception cref="Win32Exception">Windows does not tell.</exception>
    public static int? FirstThreadOf(int processId)
    {
        (long Created, int Id)? first = null;
        Visit(process =>
        {
            if (process->Id != processId)
                return;
            foreach (ref readonly ThreadInformation thread in ThreadsOf(process))
            {
                if (first is null || thread.Created < first.Value.Created)
                    first = (thread.Created, (int)thread.Id);
            }
        });
        return first?.Id;
    }

    /// <summary>The command line of a process; null where it has ended, belongs to the kernel, or is not this user's.</summary>
    public static string? CommandOf(int processId)
    {
        nint process = Kernel32.OpenProcess(QueryProcess | ReadMemory, inherit: false, processId);
        if (process == 0)
            return null;
        try
        {
            // As debuggers do: PEB.ProcessParameters, and in it CommandLine, a UNICODE_STRING. A call that gives it at once is in newer Windows only.
            const int parametersOffset = 0x20, commandOffset = 0x70;
            nint parameters = 0;
            CommandText text = default;
            if (NativeSystem.Query(process, 0, out NativeSystem.BasicInformation basic, sizeof(NativeSystem.BasicInformation), out _) < 0
                || !Kernel32.ReadMemory(process, basic.Environment + parametersOffset, &parameters, (nuint)sizeof(nint), out _)
                || !Kernel32.ReadMemory(process, parameters + commandOffset, &text, (nuint)sizeof(CommandText), out _))
            {
                return null;
            }

            char[] letters = new char[text.Bytes / sizeof(char)];
            fixed (char* start = letters)
            {
                return letters.Length > 0 && Kernel32.ReadMemory(process, text.Start, start, (nuint)(letters.Length * sizeof(char)), out _) ? new string(letters) : null;
            }
        }
        finally
        {
            Kernel32.Close(process);
        }
    }

    /// <summary>The owner of a process, as <c>DOMAIN\user</c>, or the number of one without a name; null where it has ended, or this user may not know.</summary>
    public static string? UserOf(int processId)
    {
        nint process = Kernel32.OpenProcess(QueryProcess, inherit: false, processId);
        if (process == 0)
            return null;
        nint token = 0;
        try
        {
            if (!Kernel32.OpenToken(process, QueryToken, out token))
                return null;
            using WindowsIdentity owner = new(token);
            return NameOf(owner.User!);
        }
        finally
        {
            if (token != 0)
                Kernel32.Close(token);
            Kernel32.Close(process);
        }
    }

    private static string NameOf(SecurityIdentifier user)
    {
        try
        {
            return user.Translate(typeof(NTAccount)).Value;
        }
        catch (IdentityNotMappedException)
        {
            // A user who was deleted, or whose domain does not answer.
            return user.Value;
        }
    }

    private static bool IsThreadSuspended(int threadId)
    {
        nint thread = Kernel32.OpenThread(QueryThread, inherit: false, threadId);
        if (thread == 0)
            return false;
        try
        {
            return NativeSystem.QueryThread(thread, SuspendCount, out uint count, sizeof(uint), out _) >= 0 && count > 0;
        }
        finally
        {
            Kernel32.Close(thread);
        }
    }

    private static void Visit(Visitor visit)
    {
        for (int bytes = 1 << 18; ; bytes *= 2)
        {
            byte[] buffer = GC.AllocateUninitializedArray<byte>(bytes, pinned: true);
            fixed (byte* start = buffer)
            {
                int status = NativeSystem.QuerySystem(AllProcesses, start, bytes, out _);
                if (status == TooShort)
                    continue;
                if (status < 0)
                    throw new Win32Exception(status, $"Windows did not tell its processes: status 0x{status:X8}.");
                for (ProcessInformation* process = (ProcessInformation*)start; ; process = (ProcessInformation*)((byte*)process + process->Next))
                {
                    visit(process);
                    if (process->Next == 0)
                        return;
                }
            }
        }
    }

    private static ReadOnlySpan<ThreadInformation> ThreadsOf(ProcessInformation* process) => new(process + 1, (int)process->Threads);

    private delegate void Visitor(ProcessInformation* process);

    /// <summary>UNICODE_STRING.</summary>
    private struct CommandText
    {
        public ushort Bytes;
        public ushort Capacity;
        public nint Start;
    }

    /// <summary>SYSTEM_PROCESS_INFORMATION; its threads follow it.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct ProcessInformation
    {
        [FieldOffset(0)]
        public uint Next;
        [FieldOffset(4)]
        public uint Threads;
        [FieldOffset(32)]
        public long Created;
        [FieldOffset(40)]
        public long UserTime;
        [FieldOffset(48)]
        public long KernelTime;
        [FieldOffset(56)]
        public ushort NameBytes;
        [FieldOffset(64)]
        public char* Name;
        [FieldOffset(80)]
        public nint Id;
        [FieldOffset(88)]
        public nint ParentId;
        [FieldOffset(144)]
        public nuint WorkingSet;
    }

    /// <summary>SYSTEM_THREAD_INFORMATION.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 80)]
    private struct ThreadInformation
    {
        [FieldOffset(16)]
        public long Created;
        [FieldOffset(48)]
        public nint Id;
        [FieldOffset(68)]
        public uint State;
    }
}
