using System.Diagnostics;
using System.Globalization;

namespace RobustTrain.Chaos;

/// <summary>Starts this program again in a mount namespace in which its folder is a small disk, which goes with it.</summary>
internal static class OwnDisk
{
    private const string MountedVariable = "ROBUSTTRAIN_CHAOS_DISK";
    private static readonly string[] s_unshare = ["--map-root-user", "--mount"];

    /// <summary>Whether this process is the one in the namespace.</summary>
    public static bool IsMounted => Environment.GetEnvironmentVariable(MountedVariable) == "1";

    /// <summary>Whether this user may mount something in a namespace of his own.</summary>
    public static bool IsPossible => OperatingSystem.IsLinux() && Run([.. s_unshare, "sh", "-c", "mount -t tmpfs tmpfs /mnt"], isQuiet: true) == 0;

    /// <summary>Runs this program with the same arguments there.</summary>
    /// <returns>Its exit code.</returns>
    public static int RunAgain(string folder, int megabytes, string[] arguments)
    {
        string mount = string.Create(CultureInfo.InvariantCulture, $"mount -t tmpfs -o size={megabytes}m tmpfs \"$0\" && exec \"$@\"");
        string program = Environment.ProcessPath!;
        string[] self = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [program, typeof(OwnDisk).Assembly.Location] : [program];
        return Run([.. s_unshare, "sh", "-c", mount, folder, .. self, .. arguments, "--folder", folder], isQuiet: false);
    }

    private static int Run(string[] arguments, bool isQuiet)
    {
        ProcessStartInfo start = new("unshare", arguments) { RedirectStandardError = isQuiet };
        start.Environment[MountedVariable] = "1";
        try
        {
            using Process process = Process.Start(start)!;
            process.WaitForExit();
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return 127;
        }
    }
}
