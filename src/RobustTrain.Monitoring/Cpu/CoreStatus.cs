namespace RobustTrain.Monitoring.Cpu;

/// <summary>One logical core over the time since the sample before.</summary>
/// <param name="Index">The core's number.</param>
/// <param name="UtilizationPercent">All but idle and waiting for input and output, in percent.</param>
public sealed record CoreStatus(int Index, double? UtilizationPercent)
{
    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{Index}: {UtilizationPercent:0} %");
}
