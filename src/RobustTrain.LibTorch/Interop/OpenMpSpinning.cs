using System.Runtime.InteropServices;

namespace RobustTrain.Native.Interop;

/// <summary>
/// How long an idle OpenMP thread spins before it sleeps (docs/decisions/openmp-spinning.md). GNU's libgomp reads it from the
/// process's environment once, when it is loaded, so it is set before libtorch comes in; what the operator has set stays.
/// </summary>
internal static partial class OpenMpSpinning
{
    private const string Count = "GOMP_SPINCOUNT";
    private const string Policy = "OMP_WAIT_POLICY";

    /// <summary>Turns of the spinning loop, some microseconds: long enough to bridge two operators, too short to cost another thread its core.</summary>
    private const string Short = "1000";

    public static void KeepShort()
    {
        if (!OperatingSystem.IsLinux()) return;
        if (Environment.GetEnvironmentVariable(Count) is not null || Environment.GetEnvironmentVariable(Policy) is not null) return;

        // .NET's own environment is a copy, which libgomp doesn't see.
        if (SetEnvironmentVariable(Count, Short, overwrite: 0) != 0)
            throw new InvalidOperationException($"{Count} can't be set: {Marshal.GetLastPInvokeErrorMessage()}.");
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int SetEnvironmentVariable(string name, string value, int overwrite);
}
