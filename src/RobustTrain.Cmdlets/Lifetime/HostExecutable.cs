using System.Diagnostics;
using System.Reflection;
using System.Runtime.Versioning;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Runs;
using RobustTrain.Runs.Engines;

namespace RobustTrain.Cmdlets.Lifetime;

/// <summary>Where the executable <c>robusttrain</c> is.</summary>
internal static class HostExecutable
{
    /// <summary>Names another executable than the module's own.</summary>
    public const string Variable = "ROBUSTTRAIN_HOST";

    private static readonly string FileName = OperatingSystem.IsWindows() ? "robusttrain.exe" : "robusttrain";

    /// <summary>The file named by the environment variable ROBUSTTRAIN_HOST, else the module's own, whether it is there or not.</summary>
    public static string Expected => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named ? Path.GetFullPath(named) : Own();

    /// <summary>The file named by the environment variable ROBUSTTRAIN_HOST, else the one in the module's folder host/.</summary>
    /// <exception cref="RunException">There is no such file.</exception>
    public static string Find()
    {
        string? named = Environment.GetEnvironmentVariable(Variable);
        if (!string.IsNullOrEmpty(named))
            return File.Exists(named) ? Checked(Path.GetFullPath(named)) : throw Missing(Strings.Format("NamedHostNotFound", named), named);

        string ours = Own();
        return File.Exists(ours) ? Checked(ours) : throw Missing(Strings.Format("HostNotFound", ours), ours);
    }

    /// <summary>Makes the module's own executables executable where they are not: a package keeps no permissions, so that after Install-PSResource no file is.</summary>
    public static void MakeOwnExecutable()
    {
        string own = Own();
        MakeExecutable(own);
        MakeExecutable(Path.Combine(Path.GetDirectoryName(own)!, "robusttrain-dashboard"));
    }

    private static void MakeExecutable(string path)
    {
        if (OperatingSystem.IsWindows() || !File.Exists(path) || IsExecutable(path))
            return;

        try
        {
            // Whoever may read it may run it.
            UnixFileMode mode = File.GetUnixFileMode(path);
            const UnixFileMode read = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
            File.SetUnixFileMode(path, mode | (UnixFileMode)((int)(mode & read) >> 2));
        }
        catch (Exception refused) when (refused is UnauthorizedAccessException or IOException)
        {
            // Somebody else's, or where nothing can be written; what needs it says what its owner has to do.
        }
    }

    // A package has one for each system in a folder of its own; a module that was built here has the one for this system.
    private static string Own()
    {
        string host = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location)!, "..", "host"));
        string packaged = Path.Combine(host, EngineRelease.ThisRuntime, FileName);
        return File.Exists(packaged) ? packaged : Path.Combine(host, FileName);
    }

    // setsid would find it out too, but could say so only by its own exit code.
    private static string Checked(string path) => OperatingSystem.IsWindows() || IsExecutable(path)
        ? path
        : throw new RunException(ExitCode.Configuration, "HostNotExecutable", Strings.Format("HostNotExecutable", path), path);

    [UnsupportedOSPlatform("windows")]
    private static bool IsExecutable(string path)
    {
        const UnixFileMode execute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        return (File.GetUnixFileMode(path) & execute) != 0;
    }

    private static RunException Missing(string message, string path) => new(ExitCode.Configuration, "HostNotFound", message, path);
}

/// <summary>
/// Makes CUDA number the devices as NVML and nvidia-smi do, by the PCI bus, and not the fastest first: the GPU that Get-GpuStatus names is then
/// the one that the trainer uses. Where the operator has said otherwise, that holds.
/// </summary>
internal static class CudaDeviceOrder
{
    private const string Variable = "CUDA_DEVICE_ORDER";

    /// <summary>Sets the order for a program that is about to start.</summary>
    public static void Apply(ProcessStartInfo start) => start.Environment.TryAdd(Variable, "PCI_BUS_ID");
}
