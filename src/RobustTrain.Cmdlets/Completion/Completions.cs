using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using System.Net.NetworkInformation;
using RobustTrain.Cmdlets.Jobs;
using RobustTrain.Cmdlets.Output;
using RobustTrain.Monitoring.Alerts;
using RobustTrain.Monitoring.Sources.Ssh;
using RobustTrain.Platform;
using RobustTrain.Reports.Plots;
using RobustTrain.Runs;
using RobustTrain.Runs.Scheduling;

namespace RobustTrain.Cmdlets.Completion;

/// <summary>Completes by values and what they mean.</summary>
public abstract class ListCompleter : IArgumentCompleter
{
    /// <summary>Those values that begin with what was typed, quoted where PowerShell needs it.</summary>
    public IEnumerable<CompletionResult> CompleteArgument(string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        string word = (wordToComplete ?? "").Trim('\'', '"');
        foreach ((string value, string meaning) in Candidates(parameterName, word, fakeBoundParameters))
        {
            if (value.StartsWith(word, StringComparison.OrdinalIgnoreCase))
                yield return new CompletionResult(Quoted(value), value, CompletionResultType.ParameterValue, meaning.Length == 0 ? value : meaning);
        }
    }

    /// <summary>All values that can be meant.</summary>
    /// <param name="parameter">The parameter that is completed.</param>
    /// <param name="word">The word so far, without quotes.</param>
    /// <param name="bound">The parameters that are given already.</param>
    private protected abstract IEnumerable<(string Value, string Meaning)> Candidates(string parameter, string word, IDictionary bound);

    /// <summary>The shell's folder, which is not the process's; null where there is none.</summary>
    internal static string? CurrentFolder()
    {
        using var shell = System.Management.Automation.PowerShell.Create(RunspaceMode.CurrentRunspace);
        return shell.AddScript("$ExecutionContext.SessionState.Path.CurrentFileSystemLocation.ProviderPath").Invoke<string>().FirstOrDefault();
    }

    private static string Quoted(string value) =>
        value.All(letter => char.IsLetterOrDigit(letter) || letter is '-' or '_' or '.' or '/' or '\\' or ':' or '=' or '~') && !value.StartsWith('-')
            ? value
            : $"'{CodeGeneration.EscapeSingleQuotedStringContent(value)}'";
}

/// <summary>The kinds of faults that can be rehearsed, each with a probability to begin with.</summary>
public sealed class FaultCompleter : ListCompleter
{
    // The engine checks them; here they are for people.
    private static readonly (string Value, string Meaning)[] Faults =
    [
        ("kill:0.01", "The worker is killed with 1 in 100 samples (SIGKILL); a thread ends."),
        ("stop:0.01", "The worker is stopped (SIGSTOP); a thread sleeps."),
        ("exit:0.01", "The worker exits with code 1."),
        ("segfault:0.01", "The worker crashes in native code."),
        ("loop:0.01", "The worker loops without end."),
        ("stall:0.005", "The sample takes far longer than the timeout."),
        ("outofmemory:0.01", "The worker runs out of memory."),
        ("exception:0.01", "The dataset throws an exception that it does not know."),
        ("corrupt:0.01", "The sample's file is damaged, at every attempt."),
    ];

    private protected override IEnumerable<(string Value, string Meaning)> Candidates(string parameter, string word, IDictionary bound) => Faults;
}

/// <summary>The names of the session's monitors.</summary>
public sealed class MonitorNameCompleter : ListCompleter
{
    private protected override IEnumerable<(string Value, string Meaning)> Candidates(string parameter, string word, IDictionary bound) =>
        ManagedJob.OfCurrentRunspace<MonitorJob>().Select(job => (job.Name, $"{job.JobStateInfo.State}, {job.StatusMessage}"));
}

/// <summary>The names of the session's pages.</summary>
public sealed class DashboardNameCompleter : ListCompleter
{
    private protected override IEnumerable<(string Value, string Meaning)> Candidates(string parameter, string word, IDictionary bound) =>
        ManagedJob.OfCurrentRunspace<DashboardJob>().Select(job => (job.Name, $"{job.JobStateInfo.State}, {job.StatusMessage}"));
}

/// <summary>The addresses of this machine.</summary>
public sealed class ListenAddressCompleter : ListCompleter
{
    private protected override IEnumerable<(string Value, string Meaning)> Candidates(string parameter, string word, IDictionary bound) =>
        NetworkInterface.GetAllNetworkInterfaces()
            .Where(network => network.OperationalStatus == OperationalStatus.Up && network.NetworkInterfaceType != NetworkInterfaceType.Loopback)
            .SelectMany(network => network.GetIPProperties().UnicastAddresses.Select(address => (address.Address.ToString(), $"The address of {network.Name}.")))
            .Prepend(("*", "All addresses of this machine."));
}

/// <summary>Rules to begin with, one for each property that can be watched.</summary>
public sealed class AlertCompleter : ListCompleter
{
    private protected override IEnumerable<(string Value, string Meaning)> Candidates(string parameter, string word, IDictionary bound) =>
        AlertRule.Properties.Select(property => ($"{property} > 0 for 30s", $"{property} of a GPU or CPU status"));
}

/// <summary>The hosts that the ssh configuration names.</summary>
public sealed class SshHostCompleter : ListCompleter
{
    private protected override IEnumerable<(string Value, string Meaning)> Candidates(string parameter, string word, IDictionary bound)
    {
        string path = bound["SshConfigPath"] as string ?? SshOptions.OperatorConfigPath;
        return SshHostNames.Read(path).Select(host => (host, $"{host}, from {path}"));
    }
}

/// <summary>The folders of runs below the current folder, as they stand.</summary>
public sealed class RunPathCompleter : ListCompleter
{
    private protected override IEnumerable<(string Value, string Meaning)> Candidates(string parameter, string word, IDictionary bound)
    {
        if (CurrentFolder() is not { } here)
            return [];

        // -Path takes wildcards, so that brackets in a name have to be escaped; -LiteralPath and -RunPath take names as they are.
        Func<string, string> spell = parameter == "Path" ? WildcardPattern.Escape : name => name;
        return RunSearch.Below(here).Select(run => (spell(Path.GetRelativePath(here, run)), Describe(run)));
    }

    private static string Describe(string run)
    {
        try
        {
            RunRecord record = RunFolder.ReadRecord(run);
            return $"{record.Name}: {record.ObservedState}, {record.EpochsDone} of {Counted.Of(record.Epochs, "epoch")}";
        }
        catch (RunException unreadable)
        {
            return unreadable.Message;
        }
    }
}

/// <summary>The kinds of events in a journal.</summary>
public sealed class EventKindCompleter : ListCompleter
{
    private protected override IEnumerable<(string Value, string Meaning)> Candidates(string parameter, string word, IDictionary bound) =>
        TrainingEvent.Kinds.Select(kind => (kind, kind));
}

/// <summary>The names of the trainings that the system's schedulers start.</summary>
public sealed class TrainingTaskCompleter : ListCompleter
{
    private protected override IEnumerable<(string Value, string Meaning)> Candidates(string parameter, string word, IDictionary bound)
    {
        try
        {
            return TrainingSchedule.OfThisUser().Tasks().Select(task => (task.Name, $"{task.Scheduler}, {task.State}, {task.RunPath}"));
        }
        catch (RunException)
        {
            // A scheduler that does not answer completes nothing; the cmdlet says why.
            return [];
        }
    }
}

/// <summary>The curves of the runs that are given, else of all runs below the current folder.</summary>
public sealed class MetricCompleter : ListCompleter
{
    // A folder of thousands of runs must not hold up a keystroke.
    private const int MostRuns = 20;

    private protected override IEnumerable<(string Value, string Meaning)> Candidates(string parameter, string word, IDictionary bound)
    {
        if (CurrentFolder() is not { } here)
            return [];
        string[] given = [.. new[] { "Path", "LiteralPath", "RunPath" }.Select(name => bound[name]).SelectMany(Texts).Select(path => Path.GetFullPath(path, here)).Where(RunFolder.IsRun)];
        IEnumerable<string> runs = given.Length > 0 ? given : RunSearch.Below(here);
        return runs.Take(MostRuns).SelectMany(MetricsOf).DistinctBy(metric => metric.Name).DefaultIfEmpty(("loss", "the loss of each step"));
    }

    private static IEnumerable<string> Texts(object? value) => value switch
    {
        string text => [WildcardPattern.Unescape(text)],
        IEnumerable many => many.Cast<object?>().SelectMany(Texts),
        _ => [],
    };

    private static IReadOnlyList<(string Name, string Meaning)> MetricsOf(string run)
    {
        try
        {
            return RunMetrics.Of(RunFolder.ReadRecord(run));
        }
        catch (RunException)
        {
            // A damaged record completes nothing; the cmdlet says what is wrong with it.
            return [];
        }
    }
}
