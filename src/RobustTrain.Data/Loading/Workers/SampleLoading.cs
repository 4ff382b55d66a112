using System.Runtime.CompilerServices;
using RobustTrain.Data.Ordering;
using RobustTrain.Platform;

namespace RobustTrain.Data.Loading.Workers;

/// <summary>Loads single samples of a dataset, with the faults that are rehearsed.</summary>
internal sealed class SampleLoading(IDataset dataset, FaultInjector? faults)
{
    /// <summary>Loads a sample.</summary>
    /// <param name="key">The sample.</param>
    /// <param name="attempt">How often it was tried before.</param>
    /// <param name="buffer">Receives it.</param>
    /// <returns>Why it can't be loaded; null where it is.</returns>
    /// <exception cref="WorkerLostException">An injected fault ends the worker.</exception>
    public SampleException? TryLoad(SampleKey key, int attempt, SampleBuffer buffer)
    {
        try
        {
            faults?.BeforeLoad(key.Epoch, key.Index, attempt, dataset);
            dataset.Load(key, buffer);
            return null;
        }
        catch (SampleException exception)
        {
            return exception;
        }
        catch (Exception exception) when (exception is not WorkerLostException)
        {
            return new SampleException($"The sample {key.Index} ({dataset.NameOf(key.Index)}) can't be loaded: {exception.GetType().Name}: {exception.Message}", "", exception);
        }
    }
}

/// <summary>Makes a plan's faults happen, keyed by (seed, epoch, index), so that a rehearsal can be repeated.</summary>
internal sealed class FaultInjector(FaultPlan plan, long seed, FaultyWorker worker)
{
    private const uint Purpose = 0x4641_554C;

    /// <summary>Fails where the plan says so; otherwise does nothing.</summary>
    public void BeforeLoad(int epoch, int index, int attempt, IDataset dataset)
    {
        SampleRandom random = new(new SampleKey(seed, epoch, index), Purpose);
        foreach (FaultRule rule in plan.Rules)
        {
            double draw = random.NextDouble();
            bool hit = rule.Index is int only ? only == index : draw < rule.Probability;
            if (hit && (attempt == 0 || rule.EveryAttempt))
            {
                Happen(rule.Kind, index, dataset);
                return;
            }
        }
    }

    private void Happen(FaultKind kind, int index, IDataset dataset)
    {
        bool isProcess = worker == FaultyWorker.Process;
        // What belongs to the data happens wherever it is loaded; what befalls workers spares the consumer, who is none.
        if (worker == FaultyWorker.Consumer && kind is not (FaultKind.Corrupt or FaultKind.Exception))
            return;
        switch (kind)
        {
            case FaultKind.Kill when isProcess:
                _ = PosixSignals.Send(Environment.ProcessId, PosixSignals.Kill);
                Thread.Sleep(Timeout.Infinite);
                break;
            case FaultKind.Exit when isProcess:
                ThisProcess.Exit(1);
                break;
            case FaultKind.Segfault when isProcess:
                ThisProcess.Crash();
                break;
            case FaultKind.Stop when isProcess:
                _ = PosixSignals.Send(Environment.ProcessId, PosixSignals.Stop);
                break;
            case FaultKind.Kill or FaultKind.Exit or FaultKind.Segfault:
                throw new WorkerLostException($"injected fault: {kind}");
            case FaultKind.Stop or FaultKind.Stall:
                Thread.Sleep(TimeSpan.FromSeconds(plan.StallSeconds));
                break;
            case FaultKind.Loop:
                Loop(Environment.TickCount64 + (long)(plan.StallSeconds * 1000));
                break;
            case FaultKind.OutOfMemory:
                throw new OutOfMemoryException("injected fault");
            case FaultKind.Exception:
                throw new InvalidOperationException("injected fault");
            default:
                throw SampleException.OfFile($"The file of sample {index} ({dataset.NameOf(index)}) is damaged: injected fault.", dataset.NameOf(index));
        }
    }

    // A loop of the program's own code, as a mistake in a dataset would be, and not of waits.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Loop(long until)
    {
        int turns = 0;
        do
        {
            for (int turn = 0; turn < 1_000_000; turn++)
                Volatile.Write(ref turns, turns + turn);
        }
        while (Environment.TickCount64 < until);
    }
}

/// <summary>Whom an injected fault befalls.</summary>
internal enum FaultyWorker
{
    /// <summary>A worker that is a thread.</summary>
    Thread,

    /// <summary>A worker that is a process.</summary>
    Process,

    /// <summary>The consumer's own thread, which no fault may end.</summary>
    Consumer,
}

/// <summary>Ends a worker thread as if it had been killed: an injected fault.</summary>
internal sealed class WorkerLostException(string message) : Exception(message);
