using System.Diagnostics;

namespace RobustTrain.Platform;

/// <summary>Starts a program in a session of its own, away from the terminal's signals, by setsid(1), which keeps the process id.</summary>
/// <remarks>Systems without setsid(1) (macOS, Windows) start it directly; on Windows a child without a window gets no Ctrl+C either.</remarks>
public static class SessionLeader
{
    private static readonly string? s_setSid = Array.Find(["/usr/bin/setsid", "/bin/setsid"], File.Exists);

    /// <summary>How to start a program with arguments.</summary>
    public static ProcessStartInfo StartInfo(string program, IEnumerable<string> arguments) =>
        WithoutDebuggerFiles(s_setSid is null ? new ProcessStartInfo(program, arguments) : new ProcessStartInfo(s_setSid, [program, .. arguments]));

    /// <summary>How to start a program that outlives this process: input from nowhere, output appended to a file.</summary>
    public static ProcessStartInfo DetachedStartInfo(string program, IEnumerable<string> arguments, string outputFile)
    {
        if (OperatingSystem.IsWindows())
            return new ProcessStartInfo("cmd.exe", ["/d", "/c", program, .. arguments, "<", "NUL", ">>", outputFile, "2>&1"]) { CreateNoWindow = true };

        string leader = s_setSid is null ? "exec nohup" : $"exec {s_setSid}";
        return WithoutDebuggerFiles(new ProcessStartInfo("/bin/sh", ["-c", $"output=$1; shift; {leader} \"$@\" </dev/null >>\"$output\" 2>&1", "sh", outputFile, program, .. arguments]));
    }

    // .NET makes three files for debuggers in the temporary folder, which a child that is killed would leave there.
    private static ProcessStartInfo WithoutDebuggerFiles(ProcessStartInfo start)
    {
        start.Environment.TryAdd("DOTNET_EnableDiagnostics", "0");
        return start;
    }
}
