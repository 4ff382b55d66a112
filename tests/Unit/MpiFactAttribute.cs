using RobustTrain.Platform;

namespace RobustTrain.Tests;

/// <summary>A fact about ranks that mpiexec of MPICH's kind starts, skipped with the reason where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class MpiFactAttribute : FactAttribute
{
    public MpiFactAttribute() => Skip = Missing;

    /// <summary>Why this machine has no MPI to test with; null where it has.</summary>
    public static string? Missing => OperatingSystem.IsLinux() && ChildProcess.FindProgram("mpiexec.mpich") is not null ? null : "MPICH is not installed (Debian: mpich)";
}
