using RobustTrain.Monitoring.Status;

namespace RobustTrain.Cmdlets.Completion;

/// <summary>The indices of this host's GPUs.</summary>
public sealed class GpuIndexCompleter : GpuCompleter
{
    private protected override (string Value, string Meaning) Candidate(GpuStatus gpu) => ($"{gpu.Index}", $"{gpu.Name}, {gpu.MemoryFreeBytes >> 30} GiB free");
}
