using RobustTrain.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace RobustTrain.Training;

/// <summary>Finds the device that a configuration names.</summary>
internal static class DeviceSelection
{
    /// <summary>The device named <c>cpu</c>, <c>cuda</c>, <c>cuda:N</c>, or <c>auto</c>: the first CUDA device, else the CPU.</summary>
    /// <exception cref="RunException">The CUDA device is not there, or the name is none of these.</exception>
    public static Device Find(string name) => name switch
    {
        "cpu" => CPU,
        "auto" => cuda.is_available() ? new Device(DeviceType.CUDA, 0) : CPU,
        "cuda" => FindCuda(name, 0),
        _ when name.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(name.AsSpan("cuda:".Length), out int index) => FindCuda(name, index),
        _ => throw new RunException(
            ExitCode.Configuration, "DeviceUnknown",
            $"device is '{name}', but must be cpu, cuda, cuda:N or auto.", name),
    };

    private static Device FindCuda(string name, int index)
    {
        int count = cuda.is_available() ? cuda.device_count() : 0;
        if (index < count)
            return new Device(DeviceType.CUDA, index);

        string found = count switch
        {
            0 => "torch sees no CUDA device on this machine; use cpu or auto",
            1 => "torch sees only cuda:0",
            _ => $"torch sees only cuda:0 to cuda:{count - 1}",
        };
        throw new RunException(ExitCode.Configuration, "DeviceNotFound", $"device is '{name}', but {found}.", name);
    }
}
