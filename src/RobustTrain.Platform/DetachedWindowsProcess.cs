using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace RobustTrain.Platform;

/// <summary>
/// Starts a program of Windows whose output is a file and which nothing ties to this process: not its console, not its pipes, and not its
/// job object where that lets it go. .NET's own start can hand over pipes only.
/// </summary>
[SupportedOSPlatform("windows")]
internal static unsafe class DetachedWindowsProcess
{
    private const uint InheritFlag = 1;
    private const int UseHandles = 0x100;
    private const nuint HandleListAttribute = 0x20002;
    private const uint UnicodeEnvironment = 0x400;
    private const uint NewGroup = 0x200;
    private const uint ExtendedStartup = 0x80000;
    private const uint LeaveJob = 0x1000000;
    private const uint NoWindow = 0x8000000;
    private const int AccessDenied = 5;

    /// <summary>Starts it.</summary>
    /// <exception cref="Win32Exception">It can't be started.</exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static Process Start(ProcessStartInfo start, string outputFile)
    {
        using SafeFileHandle input = File.OpenHandle("NUL", FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using FileStream output = new(outputFile, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        nint[] handles = [input.DangerousGetHandle(), output.SafeFileHandle.DangerousGetHandle()];
        foreach (nint handle in handles)
        {
            if (!Kernel32.SetHandleFlags(handle, InheritFlag, InheritFlag))
                throw new Win32Exception();
        }

        Kernel32.ProcessInformation started = Create(start, handles);
        Kernel32.Close(started.Thread);
        try
        {
            // Its id can't be another one's while this handle is open.
            Process process = Process.GetProcessById(started.ProcessId);
            _ = process.SafeHandle;
            return process;
        }
        finally
        {
            Kernel32.Close(started.Process);
        }
    }

    // Only these two handles go over, whatever else this process has that could be inherited.
    private static Kernel32.ProcessInformation Create(ProcessStartInfo start, nint[] handles)
    {
        nuint bytes = 0;
        Kernel32.InitializeAttributes(null, 1, 0, ref bytes);
        byte[] list = new byte[bytes];
        fixed (byte* attributes = list)
        fixed (nint* inherited = handles)
        {
            if (!Kernel32.InitializeAttributes(attributes, 1, 0, ref bytes))
                throw new Win32Exception();
            try
            {
                if (!Kernel32.UpdateAttribute(attributes, 0, HandleListAttribute, inherited, (nuint)(handles.Length * sizeof(nint)), 0, 0))
                    throw new Win32Exception();
                Kernel32.StartupInfo startup = new()
                {
                    Bytes = sizeof(Kernel32.StartupInfo),
                    Flags = UseHandles,
                    Input = handles[0],
                    Output = handles[1],
                    Error = handles[1],
                    Attributes = attributes,
                };
                return Create(start, startup, LeaveJob) ?? Create(start, startup, 0) ?? throw new Win32Exception(AccessDenied);
            }
            finally
            {
                Kernel32.DeleteAttributes(attributes);
            }
        }
    }

    // Null where Windows denies it, as it does where this process's job keeps its children.
    private static Kernel32.ProcessInformation? Create(ProcessStartInfo start, in Kernel32.StartupInfo startup, uint leaveJob)
    {
        const uint flags = UnicodeEnvironment | NewGroup | ExtendedStartup | NoWindow;
        string folder = start.WorkingDirectory.Length > 0 ? start.WorkingDirectory : Environment.CurrentDirectory;
        fixed (char* line = WindowsCommandLine.Quote([start.FileName, .. start.ArgumentList]))
        fixed (char* environment = EnvironmentOf(start))
        {
            if (Kernel32.CreateProcess(start.FileName, line, 0, 0, inherit: true, flags | leaveJob, environment, folder, startup, out Kernel32.ProcessInformation started))
                return started;
        }

        Win32Exception refused = new();
        return refused.NativeErrorCode == AccessDenied ? null : throw refused;
    }

    private static string EnvironmentOf(ProcessStartInfo start) =>
        string.Concat(start.Environment.OrderBy(entry => entry.Key, StringComparer.OrdinalIgnoreCase).Select(entry => $"{entry.Key}={entry.Value}\0")) + '\0';
}

/// <summary>A command line of Windows, where a program gets one text and takes it apart itself.</summary>
internal static class WindowsCommandLine
{
    /// <summary>The words of a command line as a program of Windows takes it apart again (CommandLineToArgvW).</summary>
    internal static string Quote(IEnumerable<string> words)
    {
        StringBuilder line = new();
        foreach (string word in words)
        {
            line.Append(line.Length > 0 ? " \"" : "\"");
            int slashes = 0;
            foreach (char letter in word)
            {
                // Backslashes mean themselves but before a quotation mark.
                if (letter == '"')
                    line.Append('\\', slashes + 1);
                slashes = letter == '\\' ? slashes + 1 : 0;
                line.Append(letter);
            }

            line.Append('\\', slashes).Append('"');
        }

        return line.ToString();
    }
}
