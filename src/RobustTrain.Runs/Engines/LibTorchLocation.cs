using System.Runtime.InteropServices;

namespace RobustTrain.Runs.Engines;

/// <summary>Where a program finds its libtorch.</summary>
public static class LibTorchLocation
{
    /// <summary>The environment variable that names another folder with libtorch.</summary>
    public const string Variable = "ROBUSTTRAIN_LIBTORCH";

    private const string PathFile = "libtorch.path";

    /// <summary>The library in which libtorch computes on the CPU; a folder with it is taken for one of libtorch.</summary>
    public static string CpuLibrary { get; } = FileName("torch_cpu");

    /// <summary>A library's file name on this system.</summary>
    public static string FileName(string library) =>
        OperatingSystem.IsWindows() ? $"{library}.dll" : OperatingSystem.IsMacOS() ? $"lib{library}.dylib" : $"lib{library}.so";

    /// <summary>The libraries that every libtorch of a system has.</summary>
    internal static IEnumerable<string> LibrariesOf(string runtime) =>
        new[] { "torch_cpu", "torch", "c10" }.Select(library => runtime.StartsWith("win-", StringComparison.Ordinal) ? $"{library}.dll" : $"lib{library}.so");

    /// <summary>The folder that a program's own libtorch is expected in: beside it, or where its build names it.</summary>
    /// <param name="program">The program's folder.</param>
    public static string Expected(string program) => NamedBy(program) ?? Path.Combine(program, "libtorch");

    /// <summary>The folder of a program's own libtorch; null where it has none.</summary>
    /// <param name="program">The program's folder.</param>
    public static string? FindOwn(string program)
    {
        // A package with CUDA lays its files beside the program, where NuGet puts native files.
        string?[] folders = [Path.Combine(program, "libtorch"), NamedBy(program), program, Path.Combine(program, "runtimes", RuntimeInformation.RuntimeIdentifier, "native")];
        return folders.FirstOrDefault(folder => folder is not null && File.Exists(Path.Combine(folder, CpuLibrary)));
    }

    /// <summary>The folder of a program's libtorch: its own, else the one that is installed for this user; null where there is none.</summary>
    /// <param name="program">The program's folder.</param>
    /// <param name="engines">What is installed.</param>
    public static string? Find(string program, EngineStore engines) => FindOwn(program) ?? engines.Find(EngineRelease.LibTorchVersion)?.Path;

    private static string? NamedBy(string program)
    {
        string file = Path.Combine(program, PathFile);
        return File.Exists(file) ? File.ReadAllText(file).Trim() : null;
    }
}
