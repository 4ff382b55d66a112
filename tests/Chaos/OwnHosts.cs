using System.Diagnostics;

namespace RobustTrain.Chaos;

/// <summary>
/// Starts this program again in namespaces of its own, in which it can make hosts (<see cref="RankHosts"/>): of networks, host names, mounts and
/// processes. When it ends, all of it is gone, whatever was started there.
/// </summary>
public static class OwnHosts
{
    /// <summary>The address of the machine on which the launcher runs.</summary>
    internal const string HeadAddress = "10.78.0.1";

    private const string InsideVariable = "ROBUSTTRAIN_CHAOS_HOSTS";
    private static readonly string[] s_unshare = ["--net", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"];

    // A shell stays the first process there: it takes in those whose parents have died.
    private const string Inside = """
        [ "$1" = kept ] || mount -t tmpfs tmpfs "$0" || exit 1
        shift
        mount -t tmpfs tmpfs /run && mkdir /run/sshd && mount -t tmpfs -o mode=1777 tmpfs /dev/shm || exit 1
        hostname head && ip link set lo up && : > "$0/hosts" && mount --bind "$0/hosts" /etc/hosts || exit 1
        "$@"
        exit $?
        """;

    /// <summary>Why this machine can have no such hosts; null where it can.</summary>
    public static string? Missing { get; } = FindMissing();

    /// <summary>Whether this process is in such namespaces.</summary>
    internal static bool IsInside => Environment.GetEnvironmentVariable(InsideVariable) == "1";

    /// <summary>Runs this program with the same arguments there.</summary>
    /// <param name="folder">An empty folder that all hosts see.</param>
    /// <param name="isKept">Whether what is written there is left; else it is in memory.</param>
    /// <param name="arguments">The arguments.</param>
    /// <returns>Its exit code.</returns>
    internal static int RunAgain(string folder, bool isKept, string[] arguments)
    {
        string program = Environment.ProcessPath!;
        string[] self = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [program, typeof(OwnHosts).Assembly.Location] : [program];
        ProcessStartInfo start = new("unshare", [.. s_unshare, "sh", "-c", Inside, folder, isKept ? "kept" : "in memory", .. self, .. arguments]);
        start.Environment[InsideVariable] = "1";
        using Process process = Process.Start(start)!;
        process.WaitForExit();
        return process.ExitCode;
    }

    private static string? FindMissing()
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
            return "hosts of its own need root on Linux";
        if (new[] { "/usr/sbin/sshd", "/usr/bin/ssh", "/usr/bin/unshare", "/usr/bin/mpiexec.mpich" }.FirstOrDefault(program => !File.Exists(program)) is { } missing)
            return $"{missing} is not installed";
        using Process tried = Process.Start(
            new ProcessStartInfo("unshare", [.. s_unshare, "sh", "-c", "hostname x && mount -t tmpfs tmpfs /run && ip link add lan type bridge && ip netns add host && ip link add cable type veth peer name eth0 netns host"]) { RedirectStandardError = true })!;
        string reason = tried.StandardError.ReadToEnd();
        tried.WaitForExit();
        return tried.ExitCode == 0 ? null : $"this machine gives no network namespaces: {reason.Trim()}";
    }
}
