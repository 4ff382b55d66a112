using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Cmdlets.Completion;

/// <summary>The devices that a training can run on here.</summary>
public sealed class DeviceCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        Completions.Of(wordToComplete, [("auto", "The first CUDA device, else the CPU."), ("cpu", "The CPU."), ("cuda", "The current CUDA device."), .. CudaDevices()]);

    // The driver's own list; asking the driver itself could hang a prompt.
    private static IEnumerable<(string Device, string Meaning)> CudaDevices()
    {
        const string gpus = "/proc/driver/nvidia/gpus";
        int count = Directory.Exists(gpus) ? Directory.GetDirectories(gpus).Length : 0;
        return Enumerable.Range(0, CudaVisibleDevices.OfThisProcess().Count(count)).Select(device => ($"cuda:{device}", "A CUDA device; Get-GpuStatus tells which GPU it is."));
    }
}
