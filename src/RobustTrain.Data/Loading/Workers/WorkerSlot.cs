using System.Diagnostics;
using RobustTrain.Data.Loading.Ledger;

namespace RobustTrain.Data.Loading.Workers;

/// <summary>A worker's place in the pool, which one worker after the other takes.</summary>
internal sealed class WorkerSlot(string name)
{
    private static readonly TimeSpan FirstBackoff = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestBackoff = TimeSpan.FromSeconds(5);

    // Since the slot's workers last loaded a sample.
    private int _failuresInRow;

    public string Name => name;

    public IWorker? Worker { get; private set; }

    /// <summary>The number of the worker, which its heartbeat has in the ring; without a worker that of the last one.</summary>
    public int Number { get; private set; }

    public WorkerHealth Health { get; set; } = WorkerHealth.Dead;

    /// <summary>The heartbeat when it was last seen to move.</summary>
    public long LastBeats { get; private set; }

    /// <summary>When the heartbeat last moved, in ticks of the stopwatch.</summary>
    public long LastBeatAt { get; private set; }

    /// <summary>When the next worker may start, in ticks of the stopwatch.</summary>
    public long RestartAt { get; private set; }

    /// <summary>How often a worker was started.</summary>
    public int Starts { get; private set; }

    /// <summary>Samples of the workers before the present one.</summary>
    public long SamplesBefore { get; private set; }

    /// <summary>Why the present worker is being killed; null where it isn't.</summary>
    public string? KillReason { get; set; }

    /// <summary>The present worker, where it is stuck and its stack is asked for.</summary>
    public StuckWorker? Stuck { get; set; }

    /// <summary>Whether a failure was read of since the heartbeat last moved.</summary>
    public bool IsFailing { get; set; }

    /// <summary>Gives the slot to a worker.</summary>
    public void Take(IWorker worker, int number, long now)
    {
        Starts++;
        (Worker, Number) = (worker, number);
        Health = WorkerHealth.Starting;
        LastBeats = 0;
        LastBeatAt = now;
    }

    /// <summary>Notes that a worker could not be started.</summary>
    public void NoteFailedStart() => Starts++;

    /// <summary>Takes the slot from its worker, which has loaded so many samples.</summary>
    public void Leave(long samples)
    {
        SamplesBefore += samples;
        Stuck?.Dispose();
        Stuck = null;
        Worker = null;
        KillReason = null;
        Health = WorkerHealth.Dead;
    }

    /// <summary>Does not count a time in which the monitor did not run as silence of the heartbeat.</summary>
    public void Forgive(TimeSpan asleep, long now) => LastBeatAt = Math.Min(now, LastBeatAt + (long)(asleep.TotalSeconds * Stopwatch.Frequency));

    /// <summary>Notes that the heartbeat has moved; whether the worker has come up with it.</summary>
    public bool TakeBeats(long beats, long samples, long now)
    {
        bool cameUp = beats > 0 && Health == WorkerHealth.Starting;
        if (cameUp)
            Health = WorkerHealth.Alive;
        if (samples > 0 && !IsFailing)
        {
            _failuresInRow = 0;
            if (Health == WorkerHealth.Failing)
                Health = WorkerHealth.Alive;
        }
        else if (IsFailing && Health == WorkerHealth.Alive)
        {
            Health = WorkerHealth.Failing;
        }

        IsFailing = false;
        LastBeats = beats;
        LastBeatAt = now;
        return cameUp;
    }

    /// <summary>Says when the next worker may start: the first replacement comes at once; only what fails again and again is slowed down.</summary>
    /// <param name="hasLoaded">Whether the former worker loaded a sample.</param>
    /// <param name="now">The stopwatch.</param>
    public void DelayRestart(bool hasLoaded, long now)
    {
        if (hasLoaded)
            _failuresInRow = 0;
        TimeSpan backoff = _failuresInRow == 0
            ? TimeSpan.Zero
            : TimeSpan.FromTicks(Math.Min(LongestBackoff.Ticks, FirstBackoff.Ticks << Math.Min(_failuresInRow - 1, 16)));
        _failuresInRow++;
        RestartAt = now + (long)(backoff.TotalSeconds * Stopwatch.Frequency);
    }
}

/// <summary>A worker that was found to be stuck, while its stack is asked for.</summary>
/// <param name="found">What was found, as the end of a sentence about the worker.</param>
/// <param name="happened">The event that tells of it, its message still to be written.</param>
internal sealed class StuckWorker(string found, LoaderEvent happened) : IDisposable
{
    /// <summary>Asks for the stack; null before it does.</summary>
    public StackProbe? Probe { get; set; }

    /// <summary>Whether its stack is there, or why it can't be had.</summary>
    public bool IsExplained => Probe?.IsDone == true;

    /// <summary>How long its stack has been asked for.</summary>
    public TimeSpan Elapsed => Probe?.Elapsed ?? TimeSpan.Zero;

    /// <summary>What was found with the stack, or with why there is none.</summary>
    public string Reason => Probe is null ? found : $"{found}; {Probe.Answer()}";

    /// <summary>The event with its message.</summary>
    public LoaderEvent ToEvent(string reason) => happened with { Message = $"Worker {happened.Worker} {reason}." };

    public void Dispose() => Probe?.Dispose();
}
