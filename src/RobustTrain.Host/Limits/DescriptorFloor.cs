using System.Text;
using RobustTrain.Platform;

namespace RobustTrain.Host.Limits;

/// <summary>
/// The first check of all: with too few descriptors not even this program's own libraries can be loaded, and .NET blames whichever
/// comes first. It uses none of them.
/// </summary>
internal static class DescriptorFloor
{
    // Libraries, their native parts and standard streams of the smallest command; measured: 80.
    private const ulong Least = 128;

    /// <summary>Whether there are enough descriptors to begin with; where not, standard error says so.</summary>
    public static bool IsReached()
    {
        if (!OperatingSystem.IsLinux() || ResourceLimit.OfDescriptors() is not { } limit || limit >= Least)
            return true;
        ThisProcess.WriteError(Encoding.UTF8.GetBytes($"robusttrain: The limit of open files (ulimit -n) is {limit}, but at least {Least} are needed, and more to train: raise it, in a service by LimitNOFILE.\n"));
        return false;
    }
}
