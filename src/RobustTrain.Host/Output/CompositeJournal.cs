using RobustTrain.Monitoring.Status;
using RobustTrain.Runs.Events;

namespace RobustTrain.Host.Output;

/// <summary>Hands each event, with one time, to several takers, all in the same order whichever threads write; and after a step the host's figures where they are due.</summary>
/// <param name="time">The clock.</param>
/// <param name="takers">The takers; null for one that nobody asked for.</param>
/// <param name="sampling">Puts the host's figures beside steps.</param>
internal sealed class CompositeJournal(TimeProvider time, IEnumerable<IRunJournal?> takers, SystemSampling? sampling = null) : IRunJournal
{
    private readonly IRunJournal[] _takers = [.. takers.OfType<IRunJournal>()];
    private readonly Lock _gate = new();

    /// <inheritdoc/>
    public void Write(RunEvent runEvent)
    {
        lock (_gate)
        {
            RunEvent timed = runEvent.Time == default ? runEvent with { Time = time.GetUtcNow() } : runEvent;
            foreach (IRunJournal taker in _takers)
                taker.Write(timed);

            if (sampling?.Beside(timed) is { } sample)
                Write(sample);
        }
    }
}

/// <summary>Puts the host's figures beside the steps of a run.</summary>
/// <param name="latest">The host's last known status; must not wait.</param>
/// <param name="time">The clock.</param>
internal sealed class SystemSampling(Func<SystemStatus> latest, TimeProvider time)
{
    /// <summary>The least time between two samples in the journal.</summary>
    public static readonly TimeSpan Spacing = TimeSpan.FromSeconds(10);

    private long? _last;

    /// <summary>The sample that belongs beside an event; null where none is due, or none is known yet.</summary>
    public SystemSample? Beside(RunEvent runEvent)
    {
        if (runEvent is not StepFinished step || (_last is { } earlier && time.GetElapsedTime(earlier) < Spacing))
            return null;

        SystemStatus status = latest();
        if (status.Cpu is null && status.Gpus.Count == 0)
            return null;

        _last = time.GetTimestamp();

        // Stale values would tell of another time than the step's.
        CpuStatus? cpu = status.Cpu is { IsConnected: true } current ? current : null;
        return new SystemSample(
            step.GlobalStep,
            step.DataWaitShare,
            cpu?.UtilizationPercentMean,
            cpu?.MemoryUsedBytes,
            cpu?.MemoryTotalBytes,
            [.. status.Gpus.Where(gpu => gpu is { IsConnected: true, Index: not null }).Select(gpu => new GpuSample(
                gpu.Index!.Value, gpu.Uuid, gpu.UtilizationPercentMean, gpu.MemoryUsedBytes, gpu.MemoryTotalBytes, gpu.TemperatureCelsius, gpu.PowerWatts))]);
    }
}
