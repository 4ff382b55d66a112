using RobustTrain.Cmdlets.Resources;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Processes;

/// <summary>Why a <c>robusttrain</c> failed, in the words of the process itself wherever it had any.</summary>
internal static class HostFailure
{
    private const int SignalBase = 128;
    private const string ErrorPrefix = "robusttrain: ";

    /// <summary>The error of a process that failed; null where it finished, or stopped with a checkpoint.</summary>
    /// <param name="exitCode">Its exit code.</param>
    /// <param name="finished">Its last event, if it came.</param>
    /// <param name="errorLines">The end of its standard error.</param>
    /// <param name="target">What was at work: a run's folder, a file.</param>
    public static RunException? Of(int exitCode, RunFinished? finished, IReadOnlyList<string> errorLines, object? target)
    {
        if (exitCode is (int)ExitCode.Finished or (int)ExitCode.Stopped)
            return null;

        ExitCode known = Enum.IsDefined((ExitCode)exitCode) ? (ExitCode)exitCode : ExitCode.Unexpected;
        if (finished?.Error is { } sentence)
            return new RunException(known, finished.ErrorId ?? IdOf(known), sentence, target);

        string said = string.Join('\n', errorLines
            .Where(line => !string.IsNullOrWhiteSpace(line))
            .Select(line => line.StartsWith(ErrorPrefix, StringComparison.Ordinal) ? line[ErrorPrefix.Length..] : line));
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
