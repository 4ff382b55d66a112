using System.Runtime.InteropServices;

namespace RobustTrain.Runs.Engines;

/// <summary>The libtorch that this version of RobustTrain computes with, for one device and system: the packages that it comes in.</summary>
public sealed record EngineRelease
{
    /// <summary>The version of libtorch that TorchSharp is compiled for.</summary>
    public const string LibTorchVersion = "2.10.0";

    // The version of CUDA in the names of TorchSharp's packages.
    private const string CudaVersion = "12.8";

    // How many fragments follow each numbered part with CUDA: a package may hold 250 MB, so that larger files are cut (dotnet/TorchSharp,
    // src/Redist/libtorch-cuda-12.8 and pkg/libtorch-cuda-12.8-*).
    private static readonly int[] s_linuxFragments = [0, 1, 6, 1, 2, 0, 3, 1, 1];
    private static readonly int[] s_windowsFragments = [0, 0, 1, 0, 2, 0, 1, 0, 2, 0];

    // What libtorch is shipped with and no program without Python uses.
    private static readonly string[] s_leftOut = ["_python", "_test", "_global_deps", "backend_with_compiler", "nnapi_backend", "aoti_custom_ops", "libshm", "iompstubs"];

    /// <summary>What it computes on.</summary>
    public required EngineDevice Device { get; init; }

    /// <summary>The version of libtorch.</summary>
    public required string Version { get; init; }

    /// <summary>The system, as NuGet names it: linux-x64 or win-x64.</summary>
    public required string Runtime { get; init; }

    /// <summary>The packages, in the order in which they are unpacked: a file's fragments follow its beginning.</summary>
    public required IReadOnlyList<EnginePackage> Packages { get; init; }

    /// <summary>What the needed files take unpacked; null where that is not known before they are fetched.</summary>
    public long? UnpackedBytes { get; init; }

    /// <summary>This process's system, as NuGet names it.</summary>
    public static string ThisRuntime { get; } = $"{(OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux")}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";

    /// <summary>The libtorch for a device.</summary>
    /// <exception cref="RunException">RobustTrain has none for this system.</exception>
    public static EngineRelease Of(EngineDevice device, string runtime)
    {
        if (runtime is not ("linux-x64" or "win-x64"))
            throw new RunException(ExitCode.Configuration, "EngineNotFound", $"There is no training engine for {runtime}, only for linux-x64 and win-x64.", runtime);

        return device == EngineDevice.Cpu ? OfCpu(runtime) : new EngineRelease
        {
            Device = device,
            Version = LibTorchVersion,
            Runtime = runtime,
            Packages = [.. CudaParts(runtime == "win-x64" ? s_windowsFragments : s_linuxFragments).Select(part => new EnginePackage { Id = $"libtorch-cuda-{CudaVersion}-{runtime}-{part}", Version = LibTorchVersion })],
        };
    }

    /// <summary>Whether a file of a package is unpacked.</summary>
    public static bool IsNeeded(string fileName) => !s_leftOut.Any(part => fileName.Contains(part, StringComparison.Ordinal));

    private static EngineRelease OfCpu(string runtime)
    {
        (long bytes, string digest, long unpacked) = runtime == "win-x64"
            ? (79854046, "qvrEe8b8U1SPnsqShWgJ9gE/UfzFiq+QRPJdAegxwtEBgL/jZPQPvKAhqYkpEe5kb6AXCi840KDqvDaHQuAqEA==", 267856240)
            : (128200806, "XjuaFwqqvwstyeUWyz/xtfhODesmagoPKO7T0VRmiW+r0pJwsXB/vHydA7it9xge36PSXW1qLyRRzvM3J8i9UA==", 462957826L);
        return new EngineRelease
        {
            Device = EngineDevice.Cpu,
            Version = LibTorchVersion,
            Runtime = runtime,
            Packages = [new EnginePackage { Id = $"libtorch-cpu-{runtime}", Version = LibTorchVersion, Bytes = bytes, Sha512 = digest }],
            UnpackedBytes = unpacked,
        };
    }

    private static IEnumerable<string> CudaParts(int[] fragments)
    {
        for (int part = 1; part <= fragments.Length; part++)
        {
            int count = fragments[part - 1];
            yield return count == 0 ? $"part{part}" : $"part{part}-primary";
            for (int fragment = 1; fragment <= count; fragment++)
                yield return $"part{part}-fragment{fragment}";
        }
    }
}

/// <summary>What an engine computes on.</summary>
public enum EngineDevice
{
    /// <summary>The CPU.</summary>
    Cpu,

    /// <summary>NVIDIA GPUs, and the CPU.</summary>
    Cuda,
}

/// <summary>A package of NuGet.</summary>
public sealed record EnginePackage
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>Its version.</summary>
    public required string Version { get; init; }

    /// <summary>The SHA-512 of its file, in base64 as NuGet writes it; null where only its source knows it.</summary>
    public string? Sha512 { get; init; }

    /// <summary>The length of its file; null where only its source knows it.</summary>
    public long? Bytes { get; init; }

    /// <summary>The name of its file, in small letters as registries have it.</summary>
    public string FileName => $"{Id}.{Version}.nupkg".ToLowerInvariant();
}
