using System.Globalization;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Monitoring.Alerts;

/// <summary>Applies rules to statuses as they come, each rule to each GPU and each host by itself. Used under one lock.</summary>
/// <param name="rules">The rules.</param>
/// <param name="clock">Measures how long a value is past its limit, whatever becomes of the time of day meanwhile; the system's where it is null.</param>
public sealed class AlertEvaluator(IReadOnlyList<AlertRule> rules, TimeProvider? clock = null)
{
    private readonly TimeProvider _time = clock ?? TimeProvider.System;
    private readonly Dictionary<(AlertRule Rule, string Subject), Limit> _limits = [];

    /// <summary>The alerts that a status raises or clears.</summary>
    public IEnumerable<MonitorAlert> Evaluate(StatusRecord status)
    {
        var gpu = status as GpuStatus;
        string subject = $"{status.ComputerName}/{gpu?.Uuid ?? gpu?.Index?.ToString(CultureInfo.InvariantCulture)}";
        foreach (AlertRule rule in rules)
        {
            // Stale values are no news about the device; only that they are stale is.
            if (!status.IsConnected && rule.Property != nameof(StatusRecord.IsConnected))
                continue;
            if (AlertProperties.Read(status, rule.Property) is not { } value)
                continue;
            if (!_limits.TryGetValue((rule, subject), out Limit? limit))
                _limits[(rule, subject)] = limit = new Limit();
            if (limit.Update(rule, value, status.Time, _time) is { } state)
                yield return Describe(rule, status, gpu, value, state, limit.Since);
        }
    }

    private static MonitorAlert Describe(AlertRule rule, StatusRecord status, GpuStatus? gpu, double value, AlertState state, DateTimeOffset since)
    {
        string subject = gpu is null ? status.ComputerName : $"{status.ComputerName} GPU {gpu.Index}";
        string verb = state == AlertState.Raised ? "has been past the limit" : "is back within the limit";
        return new MonitorAlert
        {
            ComputerName = status.ComputerName,
            Time = status.Time,
            State = state,
            Rule = rule.Text,
            Index = gpu?.Index,
            Uuid = gpu?.Uuid,
            Property = rule.Property,
            Value = value,
            Threshold = rule.Threshold,
            Since = since,
            Message = string.Create(CultureInfo.InvariantCulture, $"{subject}: {rule.Property} is {value:0.###} and {verb} ({rule.Text}) since {since:HH:mm:ss} UTC."),
        };
    }

    private sealed class Limit
    {
        private bool _raised;
        private (DateTimeOffset At, long Timestamp)? _turning;

        public DateTimeOffset Since { get; private set; }

        public AlertState? Update(AlertRule rule, double value, DateTimeOffset now, TimeProvider time)
        {
            bool turns = _raised ? rule.IsBack(value) : rule.IsBeyond(value);
            if (!turns)
            {
                _turning = null;
                return null;
            }

            _turning ??= (now, time.GetTimestamp());
            if (time.GetElapsedTime(_turning.Value.Timestamp) < rule.Duration)
                return null;
            Since = _turning.Value.At;
            _turning = null;
            _raised = !_raised;
            return _raised ? AlertState.Raised : AlertState.Cleared;
        }
    }
}
