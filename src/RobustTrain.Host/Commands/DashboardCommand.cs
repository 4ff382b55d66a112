using System.CommandLine;
using System.Runtime.InteropServices;
using RobustTrain.Host.Output;
using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Host.Commands;

/// <summary>
/// <c>robusttrain dashboard</c>: hands over to the program <c>robusttrain-dashboard</c> beside this one, which alone needs ASP.NET Core's runtime.
/// </summary>
internal static class DashboardCommand
{
    /// <summary>The command's name.</summary>
    public const string Verb = "dashboard";

    private const string Program = "robusttrain-dashboard";
    private const string Framework = "Microsoft.AspNetCore.App";

    /// <summary>Makes the command, for the list of commands and for what is near to a mistyped one; its options are the other program's.</summary>
    public static Command Create() => new(Verb, "Serves a page that shows runs, their curves, and hosts and GPUs as they are now, and /metrics for Prometheus.");

    /// <summary>Hands over.</summary>
    /// <param name="arguments">What follows the command's name.</param>
    /// <returns>The program's exit code.</returns>
    public static int Run(string[] arguments)
    {
        DiagnosticPort.Close();
        return CommandGuard.Run(() => SiblingProgram.Run(Find(AppContext.BaseDirectory, RuntimeEnvironment.GetRuntimeDirectory()), arguments));
    }

    /// <summary>The program, which can be started.</summary>
    /// <param name="folder">This program's folder.</param>
    /// <param name="runtime">The folder of the .NET that runs this program.</param>
    /// <exception cref="RunException">It is missing, or what it needs is.</exception>
    internal static string Find(string folder, string runtime)
    {
        string path = Path.Combine(folder, OperatingSystem.IsWindows() ? Program + ".exe" : Program);
        if (!File.Exists(path))
            throw new RunException(ExitCode.Configuration, "DashboardNotFound", $"The program of the page is not at '{path}'; install or build the module again.", path);

        // A package brings the framework along, in this very folder.
        if (File.Exists(Path.Combine(folder, "Microsoft.AspNetCore.dll")))
            return path;
        string shared = Path.GetFullPath(Path.Combine(runtime, "..", "..", Framework));
        string version = $"{Environment.Version.Major}.";
        if (Directory.Exists(shared) && Directory.EnumerateDirectories(shared, version + "*").Any())
            return path;
        throw new RunException(
            ExitCode.Configuration, "AspNetCoreNotFound", $"The page needs ASP.NET Core's runtime {Environment.Version.Major}, and there is none in '{shared}'; on Debian install aspnetcore-runtime-{Environment.Version.Major}.0. All other commands work without it.", shared);
    }
}
