using RobustTrain.Runs;

namespace RobustTrain.Host.Launching;

/// <summary>Looks for hosts on which a run can go on, and waits where none answers: the network may be slow, or all may be away for a while.</summary>
/// <param name="check">Tells why each host can't be used; null for those that can. What cancels it makes it end soon.</param>
/// <param name="limit">How long a host is waited for.</param>
/// <param name="pause">Between two looks.</param>
/// <param name="time">The clock.</param>
internal sealed class HostWait(Func<CancellationToken, RunException?[]> check, TimeSpan limit, TimeSpan pause, TimeProvider time)
{
    /// <summary>Looks until a host answers, the time is over, or a stop is asked for.</summary>
    /// <param name="say">Is told once that there is a wait, why, and for how long.</param>
    /// <param name="stopping">Asks for a stop.</param>
    /// <returns>What the last look has found.</returns>
    public RunException?[] Run(Action<string> say, CancellationToken stopping)
    {
        long began = time.GetTimestamp();
        for (bool isSaid = false; ; isSaid = true)
        {
            RunException?[] found = check(stopping);
            if (Array.Exists(found, failure => failure is null) || stopping.IsCancellationRequested || time.GetElapsedTime(began) >= limit)
                return found;
            if (!isSaid)
                say(FormattableString.Invariant($"No host answers: {found[0]!.Message} The run waits for one for up to {limit.TotalMinutes:0.#} minutes."));
            stopping.WaitHandle.WaitOne(pause);
        }
    }
}
