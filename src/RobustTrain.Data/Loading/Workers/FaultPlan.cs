using System.Globalization;
using System.Runtime.CompilerServices;
using RobustTrain.Data.Ordering;
using RobustTrain.Platform;

namespace RobustTrain.Data.Loading.Workers;

/// <summary>
/// Faults to inject, so that an operator can see on his own data that nothing is lost: <c>kill:0.01,stall:0.005,corrupt:0.01</c>.
/// A fault is <c>kind:probability</c>, or <c>kind@index</c> for one sample; a <c>!</c> behind it repeats it at every attempt
/// (a damaged file stays damaged: <c>corrupt</c> always does).
/// </summary>
public sealed record FaultPlan
{
    /// <summary>The faults, in the order in which they are tried.</summary>
    public required IReadOnlyList<FaultRule> Rules { get; init; }

    /// <summary>Seconds that a stalled sample takes.</summary>
    public double StallSeconds { get; init; } = 3600;

    /// <summary>Reads a plan.</summary>
    /// <exception cref="FormatException">It is not well-formed; the message says what was found and what is expected.</exception>
    public static FaultPlan Parse(string text)
    {
        List<FaultRule> rules = [];
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            bool every = part.EndsWith('!');
            string rule = part.TrimEnd('!');
            int sign = rule.IndexOfAny([':', '@']);
            if (sign < 0 || !Enum.TryParse(rule[..sign].Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out FaultKind kind) || !Enum.IsDefined(kind))
                throw new FormatException($"The fault '{part}' is not understood; expected kind:probability or kind@index, with kind one of {Kinds()}.");
            string value = rule[(sign + 1)..];
            every |= kind == FaultKind.Corrupt;
            if (rule[sign] == '@' && int.TryParse(value, CultureInfo.InvariantCulture, out int index) && index >= 0)
                rules.Add(new FaultRule(kind, 0, index, every));
            else if (rule[sign] == ':' && double.TryParse(value, CultureInfo.InvariantCulture, out double probability) && probability is >= 0 and <= 1)
                rules.Add(new FaultRule(kind, probability, null, every));
            else
                throw new FormatException($"The fault '{part}' has the value '{value}'; expected a probability from 0 to 1 after ':', or a sample's index after '@'.");
        }

        return rules.Count > 0 ? new FaultPlan { Rules = rules } : throw new FormatException($"No fault is given; expected kind:probability, with kind one of {Kinds()}.");
    }

    /// <summary>The text that <see cref="Parse"/> reads.</summary>
    public override string ToString() => string.Join(",", Rules.Select(rule => string.Create(
        CultureInfo.InvariantCulture,
        $"{rule.Kind.ToString().ToLowerInvariant()}{(rule.Index is int index ? $"@{index}" : $":{rule.Probability}")}{(rule.EveryAttempt ? "!" : "")}")));

    private static string Kinds() => string.Join(", ", Enum.GetNames<FaultKind>().Select(name => name.ToLowerInvariant()));
}

/// <summary>When a fault happens.</summary>
/// <param name="Kind">What happens.</param>
/// <param name="Probability">The probability for each sample; 0 where <paramref name="Index"/> says it.</param>
/// <param name="Index">The one sample that it happens to; null for any.</param>
/// <param name="EveryAttempt">Whether it happens at every attempt; otherwise only at the first.</param>
public readonly record struct FaultRule(FaultKind Kind, double Probability, int? Index, bool EveryAttempt);

/// <summary>A way for a worker to fail, for rehearsal.</summary>
public enum FaultKind
{
    /// <summary>The worker is killed (SIGKILL); a thread ends.</summary>
    Kill,

    /// <summary>The worker is stopped (SIGSTOP); a thread sleeps.</summary>
    Stop,

    /// <summary>The worker exits with code 1; a thread ends.</summary>
    Exit,

    /// <summary>The worker writes to address 0 in native code; a thread ends.</summary>
    Segfault,

    /// <summary>The worker loops without end.</summary>
    Loop,

    /// <summary>The sample takes far longer than the timeout.</summary>
    Stall,

    /// <summary>The worker runs out of memory.</summary>
    OutOfMemory,

    /// <summary>The dataset throws an exception that it does not know.</summary>
    Exception,

    /// <summary>The sample's file is damaged.</summary>
    Corrupt,
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
                ThisProcess.KillItself();
                Thread.Sleep(Timeout.Infinite);
                break;
            case FaultKind.Exit when isProcess:
                ThisProcess.Exit(1);
                break;
            case FaultKind.Segfault when isProcess:
                ThisProcess.Crash();
                break;
            case FaultKind.Stop when isProcess:
                ThisProcess.StopItself();
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
