using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Dashboard.Control;

/// <summary>Stops and resumes runs of this machine.</summary>
/// <param name="executable">The executable <c>robusttrain</c>.</param>
internal sealed class RunControl(string executable)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(100);

    /// <summary>Asks a run to stop with a checkpoint; does not wait for it.</summary>
    /// <returns>What was done, in a sentence.</returns>
    /// <exception cref="RunException">It does not run, or not here, or can't be asked.</exception>
    public static string Stop(string run)
    {
        RunRecord record = RunFolder.ReadRecord(run);
        if (record.ObservedState != RunState.Running)
            throw Refused("NotRunning", $"The run is not running ({record.ObservedState.ToString().ToLowerInvariant()}).", run);
        if (record.Process.IsAlive() is null)
            throw Refused("RunOnAnotherComputer", $"The run is at work on {record.Process.Host}; stop it there.", run);
        if (StopRequest.Send(record.Process.ProcessId) is { } refusal)
            throw Refused("SignalRefused", $"Process {record.Process.ProcessId} could not be asked: {refusal}.", run);
        return $"Process {record.Process.ProcessId} was asked to stop; it ends with a checkpoint.";
    }

    /// <summary>Goes on with a run, by a trainer that outlives this process, and waits until it has taken hold of the run.</summary>
    /// <returns>What was done, in a sentence.</returns>
    /// <exception cref="RunException">It runs, is finished, belongs to another machine, or its trainer has ended at once.</exception>
    public async Task<string> ResumeAsync(string run, CancellationToken stopping)
    {
        RunRecord record = RunFolder.ReadRecord(run);
        if (record.ObservedState is RunState.Running or RunState.Finished)
            throw Refused("NotResumable", $"The run is {record.ObservedState.ToString().ToLowerInvariant()}; there is nothing to resume.", run);
        if (record.Process.IsAlive() is null)
            throw Refused("RunOnAnotherComputer", $"The run was at work on {record.Process.Host}; resume it there.", run);
        if (!Directory.Exists(record.WorkingDirectory))
            throw Refused("FolderNotFound", $"The folder '{record.WorkingDirectory}', in which the run was begun, is gone.", run);
        string output = Path.Combine(run, $"output-{DateTimeOffset.UtcNow.ToString("yyyyMMdd-HHmmss-fff", CultureInfo.InvariantCulture)}.log");
        using Process trainer = Start(run, record.WorkingDirectory, output);
        long begin = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begin) < s_patience)
        {
            bool hasEnded = trainer.HasExited;
            if (RunFolder.ReadRecord(run) is { } now && now.Process != record.Process)
                return $"Process {now.Process.ProcessId} goes on with the run; what it prints is in '{output}'.";
            if (hasEnded)
                throw Refused("TrainerFailed", $"The trainer has ended at once with exit code {trainer.ExitCode}: {LastLine(output)}", run);
            await Task.Delay(s_look, stopping).ConfigureAwait(false);
        }

        return $"Process {trainer.Id} was started and has not taken hold of the run yet; what it prints is in '{output}'.";
    }

    private Process Start(string run, string folder, string output)
    {
        try
        {
            File.Create(output).Dispose();
            return SessionLeader.StartDetached(executable, ["train", "--run-path", run, "--resume", "require"], output, start =>
            {
                start.WorkingDirectory = folder;

                // As the cmdlets: GPUs are numbered as NVML numbers them.
                start.Environment.TryAdd("CUDA_DEVICE_ORDER", "PCI_BUS_ID");
            });
        }
        catch (Exception refused) when (refused is Win32Exception or IOException or UnauthorizedAccessException)
        {
            throw Refused("TrainerNotStarted", $"The trainer could not be started: {refused.Message}", run);
        }
    }

    private static string LastLine(string output)
    {
        string last = File.ReadLines(output).LastOrDefault(line => !string.IsNullOrWhiteSpace(line)) ?? "it said nothing.";
        const string prefix = "robusttrain: ";
        return last.StartsWith(prefix, StringComparison.Ordinal) ? last[prefix.Length..] : last;
    }

    private static RunException Refused(string id, string message, string run) => new(ExitCode.Configuration, id, message, run);
}
