using RobustTrain.Host.Output;
using Spectre.Console;

namespace RobustTrain.Host.Progress;

/// <summary>Chooses how progress is shown.</summary>
internal static class ProgressDisplays
{
    private static readonly TimeSpan s_plainInterval = TimeSpan.FromSeconds(10);

    /// <summary>A live display where standard output is a terminal that can, else plain lines.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="onLoss">Is told, in a sentence and on another thread, when lines can't be written.</param>
    public static IProgressDisplay OnStandardOutput(TimeProvider time, Action<string> onLoss) =>
        !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities is { Ansi: true, Interactive: true }
            ? new LiveProgress(AnsiConsole.Console, time)
            : new PlainProgress(DetachedText.StandardOutput(onLoss), s_plainInterval, time);
}
