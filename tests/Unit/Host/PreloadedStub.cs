using System.Diagnostics;
using RobustTrain.Tests.Monitoring;

namespace RobustTrain.Tests.Host;

/// <summary>Libraries with which the machine behaves as a test asks (tests/disk-stub, tests/lock-stub, tests/memory-stub, tests/cuda-stub).</summary>
internal static class PreloadedStub
{
    private static readonly Lazy<string> s_disk = new(() => Build("disk-stub"));
    private static readonly Lazy<string> s_lock = new(() => Build("lock-stub"));
    private static readonly Lazy<string> s_memory = new(() => Build("memory-stub"));

    /// <summary>A disk that refuses.</summary>
    public static string Disk => s_disk.Value;

    /// <summary>A file system that has no locks.</summary>
    public static string Lock => s_lock.Value;

    /// <summary>Memory that refuses large tensors.</summary>
    public static string Memory => s_memory.Value;

    /// <summary>Builds the stand-in in the folder tests/<paramref name="name"/>.</summary>
    /// <returns>The library.</returns>
    internal static string Build(string name)
    {
        string target = Directory.CreateTempSubdirectory($"{name}-built").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(target, recursive: true);
        using Process build = Process.Start(new ProcessStartInfo(Path.Combine(TestFiles.Root, "tests", name, "build.sh"), [target]) { RedirectStandardError = true })!;
        string errors = build.StandardError.ReadToEnd();
        build.WaitForExit();
        return build.ExitCode == 0 ? Path.Combine(target, $"lib{name}.so") : throw new InvalidOperationException($"{name} was not built: {errors}");
    }
}
