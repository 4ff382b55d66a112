using RobustTrain.Monitoring.Status;
using RobustTrain.Platform;
using RobustTrain.Runs.Events;

namespace RobustTrain.Host.Output;

/// <summary>
/// Says among a run's events what its process has used: before the events that change the run's record, and beside others now and then, so that a
/// kill loses no more than what came after the last of them.
/// </summary>
/// <param name="journal">Takes the events.</param>
/// <param name="meter">Measures.</param>
/// <param name="time">The clock.</param>
internal sealed class CostJournal(IRunJournal journal, CostMeter meter, TimeProvider time) : IRunJournal
{
    /// <summary>The least time between two such events where nothing else asks for one.</summary>
    public static readonly TimeSpan Spacing = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private long _last = time.GetTimestamp();

    /// <inheritdoc/>
    public void Write(RunEvent runEvent)
    {
        lock (_gate)
        {
            meter.Take(runEvent);
            if (runEvent is EpochFinished or RunFinished || time.GetElapsedTime(_last) >= Spacing)
            {
                journal.Write(meter.Measure() with { Time = runEvent.Time });
                _last = time.GetTimestamp();
            }

            journal.Write(runEvent);
        }
    }
}

/// <summary>Measures what this process uses for a run.</summary>
/// <param name="device">The device that it trains on, as <c>cuda:0</c>.</param>
/// <param name="latest">The host's last known status; must not wait. Null where the host is not watched.</param>
/// <param name="time">The clock.</param>
internal sealed class CostMeter(string device, Func<SystemStatus>? latest, TimeProvider time)
{
    private readonly long _began = time.GetTimestamp();
    private readonly Lock _gate = new();
    private double _waitBefore;
    private double _waitInEpoch;
    private double? _energy;
    private double? _counter;

    /// <summary>Takes note of what an event says of waiting.</summary>
    public void Take(RunEvent runEvent)
    {
        lock (_gate)
        {
            // An epoch that begins again, after numbers went wrong, counts from nothing.
            if (runEvent is EpochStarted or EpochFinished)
            {
                _waitBefore += (runEvent as EpochFinished)?.EpochWaitSeconds ?? _waitInEpoch;
                _waitInEpoch = 0;
            }

            if (runEvent is StepFinished step)
                _waitInEpoch = step.EpochWaitSeconds;

            // What is used before the counter is first read is not known.
            if (_counter is null)
                ReadEnergy();
        }
    }

    /// <summary>What was used until now.</summary>
    public CostMeasured Measure()
    {
        lock (_gate)
        {
            double seconds = time.GetElapsedTime(_began).TotalSeconds;
            ReadEnergy();
            return new CostMeasured(seconds, IsGpu ? seconds : null, ThisProcess.ProcessorTime.TotalSeconds, _energy, _waitBefore + _waitInEpoch)
            { ProcessId = Environment.ProcessId };
        }
    }

    private bool IsGpu => device.StartsWith("cuda", StringComparison.Ordinal);

    // The counter begins anew with the driver; what it said before that is kept.
    private void ReadEnergy()
    {
        if (!IsGpu || latest?.Invoke().Gpus.FirstOrDefault(gpu => gpu.IsConnected && gpu.Device == device)?.EnergyJoules is not { } counter)
            return;
        _energy = (_energy ?? 0) + (_counter is { } before && counter >= before ? counter - before : 0);
        _counter = counter;
    }
}
