using RobustTrain.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace RobustTrain.Training.Native;

/// <summary>Finds the device that a configuration names.</summary>
internal static class DeviceSelection
{
    // What TorchSharp 0.107's packages are built for.
    private static readonly Version s_neededCuda = new(12, 8);

    /// <summary>The device named <c>cpu</c>, <c>cuda</c>, <c>cuda:N</c>, or <c>auto</c>: the first CUDA device, else the CPU.</summary>
    /// <exception cref="RunException">libtorch can't be loaded, the CUDA device is not there, or the name is none of these.</exception>
    public static Device Find(string name) => Find(name, RankPlace.Alone);

    /// <summary>The same for one of several ranks: each rank of a host has a GPU of its own.</summary>
    /// <inheritdoc cref="Find(string)"/>
    public static Device Find(string name, RankPlace place)
    {
        LibTorch.Load();
        if (place.Ranks > 1 && name != "cpu")
            return FindOwn(name, place, LibTorch.HasCuda && cuda.is_available() ? cuda.device_count() : 0);
        return name switch
        {
            "cpu" => CPU,
            "auto" => LibTorch.HasCuda && cuda.is_available() ? new Device(DeviceType.CUDA, 0) : CPU,
            "cuda" => FindCuda(name, 0),
            _ when name.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(name.AsSpan("cuda:".Length), out int index) => FindCuda(name, index),
            _ => throw new RunException(
                ExitCode.Configuration, "DeviceUnknown",
                $"device is '{name}', but must be cpu, cuda, cuda:N or auto.", name),
        };
    }

    /// <summary>The device of a rank among those of its host.</summary>
    /// <param name="name">auto, cuda or cuda:N.</param>
    /// <param name="place">The rank's place.</param>
    /// <param name="count">The CUDA devices that torch sees.</param>
    /// <exception cref="RunException">There are fewer than ranks, or all ranks are given the same one.</exception>
    internal static Device FindOwn(string name, RankPlace place, int count)
    {
        if (name.StartsWith("cuda:", StringComparison.Ordinal))
        {
            throw new RunException(
                ExitCode.Configuration, "DeviceShared",
                $"device is '{name}', but this host has {place.Ranks} ranks, each of which needs a GPU of its own: device cuda gives each the next one.", name);
        }

        if (name == "auto" && count == 0)
            return CPU;
        if (count == 0)
            return FindCuda(name, 0);
        return place.Ranks <= count
            ? new Device(DeviceType.CUDA, place.Rank)
            : throw new RunException(
                ExitCode.Configuration, "MoreRanksThanDevices",
                $"This host has {place.Ranks} ranks, but torch sees only {(count == 1 ? "1 CUDA device" : $"{count} CUDA devices")}: start at most {count} ranks on it (--ranks-per-host), or use device cpu.", name);
    }

    private static Device FindCuda(string name, int index)
    {
        int count = LibTorch.HasCuda && cuda.is_available() ? cuda.device_count() : 0;
        return index < count
            ? new Device(DeviceType.CUDA, index)
            : throw new RunException(ExitCode.Configuration, "DeviceNotFound", $"device is '{name}', but {Found(count, LibTorch.HasCuda, CudaDriver.FindVersion())}.", name);
    }

    /// <summary>Why there is no such CUDA device: the end of a sentence.</summary>
    /// <param name="count">The CUDA devices that torch sees.</param>
    /// <param name="hasCuda">Whether libtorch can compute on them.</param>
    /// <param name="driver">The newest CUDA version that the driver supports; null where there is no driver.</param>
    internal static string Found(int count, bool hasCuda, Version? driver) => (count, hasCuda, driver) switch
    {
        (_, false, _) => $"this build's libtorch computes on the CPU only; build with -p:TorchSharpPackage={(OperatingSystem.IsWindows() ? "TorchSharp-cuda-windows" : "TorchSharp-cuda-linux")} (a module from a package: Install-TrainingEngine -Device Cuda), or use cpu or auto",
        (0, true, null) => "there is no NVIDIA driver on this machine; install it, or use cpu or auto",
        (0, true, _) when driver < s_neededCuda => $"the NVIDIA driver supports CUDA {driver} and this libtorch needs {s_neededCuda}; install a newer driver, or use cpu or auto",
        (0, true, _) => "torch sees no CUDA device on this machine; use cpu or auto",
        (1, true, _) => "torch sees only cuda:0",
        _ => $"torch sees only cuda:0 to cuda:{count - 1}",
    };
}

/// <summary>Where a rank stands among those of its host.</summary>
/// <param name="Rank">Its number there, from 0.</param>
/// <param name="Ranks">How many there are.</param>
public readonly record struct RankPlace(int Rank, int Ranks)
{
    /// <summary>The only one.</summary>
    public static RankPlace Alone { get; } = new(0, 1);
}
