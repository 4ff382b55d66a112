using RobustTrain.Cmdlets.Errors;
using RobustTrain.Cmdlets.Resources;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Processes;

/// <summary>Why a <c>robusttrain</c> failed, in the words of the process itself wherever it had any.</summary>
internal static class HostFailure
{
    private const int SignalBase = 128;
    private const string ErrorPrefix = "robusttrain: ";
    private const string UsageHint = "--help' lists what there is.";

    /// <summary>The error of a process that failed; null where it finished, or stopped with a checkpoint.</summary>
    /// <param name="exitCode">Its exit code.</param>
    /// <param name="finished">Its last event, if it came.</param>
    /// <param name="errorLines">The end of its standard error.</param>
    /// <param name="target">What was at work, a run's folder or a file: at fault where the process names nothing else.</param>
    /// <param name="words">Puts its sentences into the cmdlet's words.</param>
    public static RunException? Of(int exitCode, RunFinished? finished, IReadOnlyList<string> errorLines, object? target, CmdletWords words)
    {
        if (exitCode is (int)ExitCode.Finished or (int)ExitCode.Stopped)
            return null;

        ExitCode known = Enum.IsDefined((ExitCode)exitCode) ? (ExitCode)exitCode : ExitCode.Unexpected;
        if (finished?.Error is { } sentence)
            return new RunException(known, finished.ErrorId ?? IdOf(known), words.Of(sentence), finished.Target ?? target);

        // Where to look up options is of no use to one who gave parameters.
        string said = string.Join('\n', errorLines
            .Where(line => !string.IsNullOrWhiteSpace(line) && !line.EndsWith(UsageHint, StringComparison.Ordinal))
            .Select(line => line.StartsWith(ErrorPrefix, StringComparison.Ordinal) ? line[ErrorPrefix.Length..] : line)
            .Select(words.Of));
        if (exitCode > SignalBase)
        {
            string message = Strings.Format("EndedBySignal", exitCode - SignalBase);
            return new RunException(ExitCode.Unexpected, "TrainerKilled", said.Length == 0 ? message : $"{message}\n{said}", target);
        }

        return new RunException(known, IdOf(known), said.Length == 0 ? Strings.Format("EndedSilently", exitCode) : said, target);
    }

    private static string IdOf(ExitCode code) => code switch
    {
        ExitCode.Configuration => "ConfigurationInvalid",
        ExitCode.Data => "DataBeyondErrorBudget",
        ExitCode.Numeric => "NumericFailure",
        ExitCode.OutOfMemory => "OutOfMemory",
        _ => "TrainerFailed",
    };
}
