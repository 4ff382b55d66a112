using System.Diagnostics;
using System.Text;

namespace RobustTrain.Tests.Host;

/// <summary>A run of the built executable to its end.</summary>
public sealed record HostRun(int ExitCode, string Output, string Error)
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(5);

    /// <summary>The module's executable, which is compiled to machine code, where the variable names it; else the one that the tests were built with.</summary>
    public static string Executable { get; } = Environment.GetEnvironmentVariable("ROBUSTTRAIN_TEST_HOST") ?? Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "robusttrain.exe" : "robusttrain");

    /// <summary>The sentences on standard error, without the name of the program.</summary>
    public string[] Sentences => [.. Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Replace("robusttrain: ", "", StringComparison.Ordinal))];

    /// <summary>Starts the executable without waiting for it.</summary>
    public static Process Start(string workingFolder, params string[] arguments) => Start(workingFolder, new Dictionary<string, string?>(), arguments);

    /// <summary>Starts the executable with other environment variables.</summary>
    public static Process Start(string workingFolder, IReadOnlyDictionary<string, string?> variables, params string[] arguments)
    {
        // Under nohup, or from a shell without job control, the tests themselves have signals ignored, which a child would inherit.
        ProcessStartInfo start = OperatingSystem.IsLinux()
            ? new("env", ["--default-signal=HUP,INT", Executable, .. arguments])
            : new(Executable, arguments);
        start.WorkingDirectory = workingFolder;
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.StandardOutputEncoding = Encoding.UTF8;
        start.StandardErrorEncoding = Encoding.UTF8;

        foreach ((string name, string? value) in variables)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    /// <summary>Runs the executable to its end.</summary>
    public static Task<HostRun> To(string workingFolder, params string[] arguments) => EndOf(Start(workingFolder, arguments));

    /// <summary>Waits for the end of a process, and kills it where it doesn't come.</summary>
    public static async Task<HostRun> EndOf(Process process)
    {
        using (process)
        using (CancellationTokenSource limit = new(s_limit))
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
            Task<string> error = process.StandardError.ReadToEndAsync(CancellationToken.None);
            try
            {
                await process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
            }

            return new HostRun(process.ExitCode, Plain(await output), Plain(await error));
        }
    }

    /// <summary>A text of any system with the ends of lines of Unix, and without what PyTorch's cpuinfo and ONNX Runtime say of the devices that Wine shows them.</summary>
    internal static string Plain(string text) => string.Concat(text
        .ReplaceLineEndings("\n")
        .Split('\n')
        .Where(line => !line.StartsWith("Error in cpuinfo:", StringComparison.Ordinal))
        .Where(line => !OperatingSystem.IsWindows() || !(line.Contains(":onnxruntime", StringComparison.Ordinal) || line.StartsWith("Failed to create DXGI factory", StringComparison.Ordinal)))
        .Select((line, index) => index == 0 ? line : "\n" + line));
}
