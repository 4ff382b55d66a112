using RobustTrain.Monitoring.Status;

namespace RobustTrain.Cmdlets.Completion;

/// <summary>The product names of this host's GPUs.</summary>
public sealed class GpuNameCompleter : GpuCompleter
{
    private protected override (string Value, string Meaning) Candidate(GpuStatus gpu) => (gpu.Name ?? "", gpu.Name ?? "");
}
