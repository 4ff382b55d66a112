using Spectre.Console;

namespace RobustTrain.Host.Progress;

/// <summary>Chooses how progress is shown.</summary>
internal static class ProgressDisplays
{
    private static readonly TimeSpan s_plainInterval = TimeSpan.FromSeconds(10);

    /// <summary>A live display where standard output is a terminal that can, else plain lines.</summary>
    public static IProgressDisplay OnStandardOutput(TimeProvider time) =>
        !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities is { Ansi: true, Interactive: true }
            ? new LiveProgress(AnsiConsole.Console, time)
            : new PlainProgress(Console.Out, s_plainInterval);
}
