using System.Diagnostics;

namespace RobustTrain.Tests.Host;

/// <summary>A fact that needs a small file system, which a user may only mount where the kernel lets him make namespaces.</summary>
public sealed class FullDiskFactAttribute : FactAttribute
{
    private static readonly Lazy<bool> s_canMount = new(CanMount);

    public FullDiskFactAttribute()
    {
        if (!s_canMount.Value)
            Skip = "This machine lets its users mount nothing (unshare --map-root-user --mount).";
    }

    /// <summary>Starts a shell script in a mount namespace of its own.</summary>
    public static Process Start(string folder, string script) => Process.Start(new ProcessStartInfo("unshare", ["--map-root-user", "--mount", "sh", "-c", script])
    {
        WorkingDirectory = folder,
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;

    private static bool CanMount()
    {
        if (!OperatingSystem.IsLinux())
            return false;
        using Process probe = Start("/", "mount -t tmpfs -o size=4k tmpfs /mnt");
        probe.WaitForExit();
        return probe.ExitCode == 0;
    }
}
