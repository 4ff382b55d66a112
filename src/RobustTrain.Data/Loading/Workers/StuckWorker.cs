using RobustTrain.Data.Loading.Ledger;

namespace RobustTrain.Data.Loading.Workers;

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
