using RobustTrain.Monitoring.Status;

namespace RobustTrain.Cmdlets.Completion;

/// <summary>The UUIDs of this host's GPUs.</summary>
public sealed class GpuUuidCompleter : GpuCompleter
{
    private protected override (string Value, string Meaning) Candidate(GpuStatus gpu) => (gpu.Uuid ?? "", $"GPU {gpu.Index}: {gpu.Name}");
}
