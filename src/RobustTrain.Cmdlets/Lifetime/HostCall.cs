using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Engines;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Lifetime;

/// <summary>One <c>robusttrain</c> with a life line, bound to a runspace, from its start through its events to its end.</summary>
/// <remarks>
/// On Linux the child gets a session of its own, so that the terminal's Ctrl+C reaches this process alone, which decides what it
/// means: the same keystroke ends a foreground training and must not end a job.
/// </remarks>
/// <param name="arguments">The command and its options; it is to write events to standard output.</param>
/// <param name="workingFolder">What relative paths are relative to: PowerShell's current folder, which .NET's is not.</param>
/// <param name="lifetime">The runspace that it is bound to.</param>
/// <param name="stopGrace">How long it may take to stop before it is killed.</param>
/// <param name="target">The object at fault where it fails: a run's folder, a file.</param>
/// <param name="words">Puts its errors into the cmdlet's words.</param>
internal sealed class HostCall(IEnumerable<string> arguments, string workingFolder, RunspaceLifetime lifetime, TimeSpan stopGrace, object? target, CmdletWords words) : IRunspaceBound
{
    private const int KeptErrorLines = 40;

    private ChildProcess? _process;

    /// <summary>Changes how it is started, its environment for one.</summary>
    public Action<ProcessStartInfo>? Prepare { get; init; }

    /// <summary>The process id, once it runs.</summary>
    public int? ProcessId => _process?.Id;

    /// <summary>Runs it to its end. The token asks it to stop, and kills it when its grace is over.</summary>
    /// <param name="take">Takes each event. It must not throw: what the process writes is read to the end, since a full pipe would hold it up.</param>
    /// <param name="stopping">Asks it to stop.</param>
    /// <exception cref="RunException">It is missing or could not be started.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled before it was started.</exception>
    public async Task<HostEnd> RunAsync(Func<RunEvent, Task> take, CancellationToken stopping)
    {
        stopping.ThrowIfCancellationRequested();
        using ChildProcess child = Start();
        _process = child;
        lifetime.Add(this);
        try
        {
            using var overdue = new Timer(_ => Kill());
            using CancellationTokenRegistration stop = stopping.Register(() =>
            {
                child.TryWriteLine("stop");
                overdue.Change(stopGrace, Timeout.InfiniteTimeSpan);
            });

            RunFinished? finished = null;
            while (await child.Output.ReadLineAsync(CancellationToken.None).ConfigureAwait(false) is { } line)
            {
                RunEvent? happened = EventLine.Read(Encoding.UTF8.GetBytes(line));
                finished = happened as RunFinished ?? finished;
                if (happened is not null)
                    await take(happened).ConfigureAwait(false);
            }

            int exitCode = await child.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
            return new HostEnd(exitCode, HostFailure.Of(exitCode, finished, child.ErrorLines, target, words));
        }
        finally
        {
            lifetime.Remove(this);
        }
    }

    /// <summary>Ends it and what it has started, at once.</summary>
    public void Kill() => _process?.Kill(wholeTree: true);

    /// <summary>Cuts the life line: it ends by itself, a trainer with a checkpoint.</summary>
    public void End() => _process?.CutLifeLine();

    private ChildProcess Start()
    {
        string executable = HostExecutable.Find();
        ProcessStartInfo start = SessionLeader.StartInfo(executable, arguments);
        start.WorkingDirectory = workingFolder;
        start.RedirectStandardOutput = true;
        CudaDeviceOrder.Apply(start);
        Prepare?.Invoke(start);
        try
        {
            return ChildProcess.Start(start, keptErrorLines: KeptErrorLines);
        }
        catch (Win32Exception failure)
        {
            throw new RunException(ExitCode.Configuration, "HostNotStarted", Strings.Format("HostNotStarted", executable, failure.Message), executable, failure);
        }
    }
}

/// <summary>How a <c>robusttrain</c> ended.</summary>
/// <param name="ExitCode">Its exit code, or what the system gives for one that was killed (<see cref="ExitStatus"/>).</param>
/// <param name="Failure">The error in its own words wherever it had any; null where it finished, or stopped with a checkpoint.</param>
internal sealed record HostEnd(int ExitCode, RunException? Failure);

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
        // A prediction that was stopped from outside ends as a stopped run does, but is undone, and says so.
        if (exitCode == (int)ExitCode.Finished || (exitCode == (int)ExitCode.Stopped && finished?.State != "failed"))
            return null;

        ExitCode known = Enum.IsDefined((ExitCode)exitCode) ? (ExitCode)exitCode : ExitCode.Unexpected;
        if (finished?.ErrorId == "LibTorchNotFound" && !HasLibTorch())
            return new RunException(known, "LibTorchNotFound", Strings.Format("EngineNotInstalled"), finished.Target ?? target);
        if (finished?.Error is { } sentence)
            return new RunException(known, finished.ErrorId ?? IdOf(known), words.Of(sentence), finished.Target ?? target);

        // Where to look up options is of no use to one who gave parameters.
        string said = string.Join('\n', errorLines
            .Where(line => !string.IsNullOrWhiteSpace(line) && !line.EndsWith(UsageHint, StringComparison.Ordinal))
            .Select(line => line.StartsWith(ErrorPrefix, StringComparison.Ordinal) ? line[ErrorPrefix.Length..] : line)
            .Select(words.Of));
        if (DeathOf(exitCode, hasItsWord: errorLines.Any(line => line.StartsWith(ErrorPrefix, StringComparison.Ordinal)), words) is { } message)
            return new RunException(ExitCode.Unexpected, "TrainerKilled", said.Length == 0 ? message : $"{message}\n{said}", target);

        return new RunException(known, IdOf(known), said.Length == 0 ? Strings.Format("EndedSilently", exitCode) : said, target);
    }

    // Whether there is one, or the operator has named a folder: what is wrong with it is then told by the executable.
    private static bool HasLibTorch() =>
        Environment.GetEnvironmentVariable(LibTorchLocation.Variable) is { Length: > 0 } || LibTorchLocation.Find(Path.GetDirectoryName(HostExecutable.Expected)!, EngineStore.OfThisUser()) is not null;

    // How a process ended that did not end itself; null where it did.
    private static string? DeathOf(int exitCode, bool hasItsWord, CmdletWords words)
    {
        if (!OperatingSystem.IsWindows())
            return exitCode > SignalBase ? Strings.Format("EndedBySignal", words.Worker, exitCode - SignalBase, words.GoesOn) : null;

        // The C runtime's abort() ends with 3 as well; a trainer that finds its data bad says so.
        if (exitCode == (int)ExitCode.Data && !hasItsWord)
            return Strings.Format("Aborted", words.Worker, words.GoesOn);
        return ExitStatus.Describe(exitCode) is { } death ? Strings.Format("EndedByWindows", words.Worker, death, words.GoesOn) : null;
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
