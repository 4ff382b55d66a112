using System.Diagnostics;
using System.Text;
using RobustTrain.Platform;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Distributed.Liveness;

namespace RobustTrain.Host.Launching;

/// <summary>One start of all ranks, from mpiexec's beginning until nothing of them is left.</summary>
/// <param name="mpiexec">Starts them.</param>
/// <param name="placement">Where.</param>
/// <param name="isLocal">Whether this machine is the only host.</param>
/// <param name="timeout">How long a rank may be silent.</param>
/// <param name="take">Takes the events of rank 0, but the last.</param>
internal sealed class RankAttempt(MpiExec mpiexec, RankPlacement placement, bool isLocal, TimeSpan timeout, Action<RunEvent> take) : IDisposable
{
    private const int KeptErrorLines = 60;

    // What a rank may take to come: libtorch on a cold disk.
    private static readonly TimeSpan s_joining = TimeSpan.FromMinutes(5);

    // What rank 0 may take, after a loss, to write what it has.
    private static readonly TimeSpan s_ending = TimeSpan.FromSeconds(60);

    // After its last word.
    private static readonly TimeSpan s_lastWord = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(20);

    private readonly ManualResetEventSlim _hasEnded = new();
    private readonly ManualResetEventSlim _isLost = new();
    private readonly ManualResetEventSlim _hasFinished = new();
    private readonly RankHub _hub = new(placement.HostOfRank, timeout, s_joining, isLocal);
    private volatile RunFinished? _finished;

    /// <summary>Runs the ranks to their end.</summary>
    /// <param name="arguments">What <c>robusttrain</c> is told.</param>
    /// <param name="notice">What rank 0 is to tell people first; null for nothing.</param>
    public RankEnd Run(IEnumerable<string> arguments, string? notice)
    {
        _hub.Lost += _ => _isLost.Set();
        _hub.Start();
        if (notice is not null)
            _hub.Notify(notice);

        // Where this process is killed, the ranks write their checkpoint before they end, and mpiexec ends with them: nobody kills it.
        using ChildProcess ranks = ChildProcess.Start(mpiexec.StartInfo(placement, isLocal, _hub, Environment.ProcessPath!, arguments), keptErrorLines: KeptErrorLines);
        Thread ending = new(() => EndAfterLoss(ranks)) { IsBackground = true, Name = "rank ending" };
        ending.Start();
        while (ranks.Output.ReadLine() is { } line)
            Take(line);
        if (ranks.WaitForExit(s_ending) is null)
            ranks.Kill(wholeTree: true);
        _hasEnded.Set();
        ending.Join();

        // Ranks on hosts that nobody could reach find out by themselves that they are alone.
        _hub.WaitForEnd(s_lastWord);
        return new RankEnd(_finished, _hub.FirstLoss, ranks.LastErrorLines(s_lastWord));
    }

    /// <summary>Asks all ranks to stop with a checkpoint.</summary>
    public void Stop(string reason) => _hub.Stop(reason);

    /// <summary>Asks for a checkpoint.</summary>
    public void Checkpoint() => _hub.Checkpoint();

    /// <inheritdoc/>
    public void Dispose() => _hub.Dispose();

    private void Take(string line)
    {
        // mpiexec writes there, too.
        if (!line.StartsWith('{') || EventLine.Read(Encoding.UTF8.GetBytes(line)) is not { } happened)
            return;
        if (happened is RunFinished finished)
        {
            _finished = finished;
            _hasFinished.Set();
        }
        else
        {
            take(happened);
        }
    }

    // The ranks that are left end by themselves, rank 0 last; what stands still then is killed with mpiexec.
    private void EndAfterLoss(ChildProcess ranks)
    {
        if (WaitHandle.WaitAny([_isLost.WaitHandle, _hasEnded.WaitHandle]) == 1)
            return;
        if (_hub.HasBegun)
        {
            for (long began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < s_ending && !_hub.HasLeft(0) && !_hasEnded.IsSet; Thread.Sleep(s_look))
            {
            }
        }

        // The last word of rank 0 goes another way than its leave; one that was lost without an exit code has none.
        if (_hub.FirstLoss!.Rank == 0 ? _hub.FirstLoss.ExitCode is not null : _hub.HasBegun)
            WaitHandle.WaitAny([_hasFinished.WaitHandle, _hasEnded.WaitHandle], s_lastWord);

        _hub.Dispose();
        ranks.Kill(wholeTree: true);
    }
}

/// <summary>How the ranks ended.</summary>
/// <param name="Finished">The last word of rank 0; null where it had none.</param>
/// <param name="Loss">The rank that was lost first; null where none was.</param>
/// <param name="ErrorLines">The last lines of standard error.</param>
internal sealed record RankEnd(RunFinished? Finished, RankLoss? Loss, IReadOnlyList<string> ErrorLines)
{
    /// <summary>Whether a rank was lost, rather than that one ended with an error of its own.</summary>
    public bool IsLost => Loss is { ExitCode: null };
}
