using System.ComponentModel;
using System.Diagnostics;

namespace RobustTrain.Platform;

/// <summary>Starts a program in a session of its own, away from the terminal's signals, by setsid(1), which keeps the process id.</summary>
/// <remarks>Systems without setsid(1) (macOS, Windows) start it directly; on Windows a child without a window gets no Ctrl+C either.</remarks>
public static class SessionLeader
{
    private static readonly string? s_setSid = OperatingSystem.IsWindows() ? null : Array.Find(["/usr/bin/setsid", "/bin/setsid"], File.Exists);

    /// <summary>How to start a program with arguments.</summary>
    public static ProcessStartInfo StartInfo(string program, IEnumerable<string> arguments) =>
        WithoutDebuggerFiles(s_setSid is null ? new ProcessStartInfo(program, arguments) : new ProcessStartInfo(s_setSid, [program, .. arguments]));

    /// <summary>Starts a program that outlives this process: input from nowhere, output appended to a file.</summary>
    /// <param name="program">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="outputFile">The file.</param>
    /// <param name="prepare">Sets its folder and environment.</param>
    /// <exception cref="Win32Exception">It can't be started.</exception>
    public static Process StartDetached(string program, IEnumerable<string> arguments, string outputFile, Action<ProcessStartInfo> prepare)
    {
        string leader = s_setSid is null ? "exec nohup" : $"exec {s_setSid}";
        ProcessStartInfo start = OperatingSystem.IsWindows()
            ? new ProcessStartInfo(program, arguments)
            : new ProcessStartInfo("/bin/sh", ["-c", $"output=$1; shift; {leader} \"$@\" </dev/null >>\"$output\" 2>&1", "sh", outputFile, program, .. arguments]);
        prepare(WithoutDebuggerFiles(start));
        return OperatingSystem.IsWindows() ? DetachedWindowsProcess.Start(start, outputFile) : Process.Start(start)!;
    }

    // .NET makes three files for debuggers in the temporary folder, which a child that is killed would leave there.
    private static ProcessStartInfo WithoutDebuggerFiles(ProcessStartInfo start)
    {
        start.Environment.TryAdd("DOTNET_EnableDiagnostics", "0");
        return start;
    }
}
