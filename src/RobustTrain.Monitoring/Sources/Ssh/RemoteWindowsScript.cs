using System.Text;
using RobustTrain.Monitoring.Sources.NvidiaSmi;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Monitoring.Sources.Ssh;

/// <summary>
/// What is sent to a host's Windows PowerShell, which every Windows has, where the host has no <c>sh</c>: <c>RemoteWindows.ps1</c>. It writes nothing
/// to disk; and it ends with its standard input.
/// </summary>
internal static class RemoteWindowsScript
{
    private const string LastLine = "#robusttrain";

    // Takes the script from standard input, for a command of Windows may not be longer than 8191 characters.
    private const string Reader = $"$t = @(); while (($l = [Console]::In.ReadLine()) -ne '{LastLine}') {{ if ($null -eq $l) {{ exit }}; $t += $l }}; Invoke-Expression ($t -join \"`n\")";

    /// <summary>The remote command: the same for <c>cmd.exe</c> and PowerShell, whichever the host's ssh server starts.</summary>
    public static readonly string Command = $"powershell -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand {Convert.ToBase64String(Encoding.Unicode.GetBytes(Reader))}";

    /// <summary>The script, which then waits for calls.</summary>
    /// <param name="kinds">What to read.</param>
    /// <param name="processes">Whether process lists are wanted.</param>
    public static string Define(MonitorKinds kinds, bool processes)
    {
        using StreamReader script = new(typeof(RemoteWindowsScript).Assembly.GetManifestResourceStream("RemoteWindows.ps1")!);
        string query = string.Join(", ", SmiCsv.Query.Split(' ').Select(word => $"'{word}'"));
        string text = $"""
            $mark = '{RemoteScript.Mark}'; $cpu = {Word(kinds.HasFlag(MonitorKinds.Cpu))}; $gpu = {Word(kinds.HasFlag(MonitorKinds.Gpu))}; $processes = {Word(processes)}; $query = {query}
            {script.ReadToEnd()}
            {LastLine}

            """;
        return text.Replace("\r\n", "\n", StringComparison.Ordinal);
    }

    private static string Word(bool value) => value ? "$true" : "$false";
}
