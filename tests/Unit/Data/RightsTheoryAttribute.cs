using System.Diagnostics;
using RobustTrain.Tests.Host;

namespace RobustTrain.Tests.Data;

/// <summary>A theory about a process that lacks rights: where the tests are run by root, setpriv takes rights from it.</summary>
public sealed class RightsTheoryAttribute : TheoryAttribute
{
    private static readonly Lazy<bool> s_canDrop = new(() => !Environment.IsPrivilegedProcess || CanDrop());

    public RightsTheoryAttribute()
    {
        if (!OperatingSystem.IsLinux())
            Skip = "Only Linux has capabilities.";
        else if (!s_canDrop.Value)
            Skip = "The tests are run by root, and setpriv (Debian's util-linux) is not there, or may not take rights away.";
    }

    /// <summary>Whether root's tests run the executable as another user, who may not enter root's home.</summary>
    public bool AsOtherUser
    {
        get => false;
        set
        {
            if (value && Skip is null && Environment.IsPrivilegedProcess && !OtherUserReaches(HostRun.Executable))
                Skip = $"Another user than root can't reach '{HostRun.Executable}'.";
        }
    }

    /// <summary>Starts a process without the rights to read what its user may not, and to look into processes that have more rights.</summary>
    public static Process Start(string program, params string[] arguments)
    {
        ProcessStartInfo start = Environment.IsPrivilegedProcess
            ? new ProcessStartInfo("setpriv", ["--bounding-set=-dac_override,-dac_read_search,-sys_ptrace", program, .. arguments])
            : new ProcessStartInfo(program, arguments);
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        return Process.Start(start)!;
    }

    private static bool OtherUserReaches(string file)
    {
        using Process probe = Process.Start("setpriv", ["--reuid", "65534", "--clear-groups", "prlimit", "--nproc=1000", "test", "-r", file]);
        probe.WaitForExit();
        return probe.ExitCode == 0;
    }

    private static bool CanDrop()
    {
        try
        {
            using Process probe = Start("true");
            probe.WaitForExit();
            return probe.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
