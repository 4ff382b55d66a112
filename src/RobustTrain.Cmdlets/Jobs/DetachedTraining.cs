using System.Diagnostics;
using RobustTrain.Cmdlets.Lifetime;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Jobs;

/// <summary>Starts a trainer that outlives the shell: a session of its own, no life line, output into the run's folder.</summary>
internal static class DetachedTraining
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>Starts it and waits until it has taken hold of its run.</summary>
    /// <returns>The run's folder.</returns>
    /// <exception cref="RunException">It ended before that; nothing is left of it.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled before that; the trainer was ended.</exception>
    public static async Task<string> StartAsync(TrainingRequest request, CancellationToken stopping)
    {
        string executable = HostExecutable.Find();
        string output = Path.Combine(NearestFolder(request), $".robusttrain-{Guid.NewGuid():N}.log");
        try
        {
            using Process trainer = StartProcess(executable, request, output);
            return await WaitForRunAsync(trainer, request, output, stopping).ConfigureAwait(false);
        }
        finally
        {
            File.Delete(output);
        }
    }

    // The trainer writes to this file from its first moment on, before it has a run's folder; it is renamed into that folder
    // later, so it has to lie in the same file system.
    private static string NearestFolder(TrainingRequest request)
    {
        string folder = request.RunPath is null ? request.WorkingFolder : WritablePath.Full(request.RunPath);
        while (!Directory.Exists(folder))
            folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException(folder);

        return folder == request.RunPath ? Path.GetDirectoryName(folder) ?? folder : folder;
    }

    private static Process StartProcess(string executable, TrainingRequest request, string output)
    {
        File.Create(output).Dispose();
        return SessionLeader.StartDetached(executable, request.TrainArguments(hasLifeLine: false), output, start =>
        {
            start.WorkingDirectory = request.WorkingFolder;
            CudaDeviceOrder.Apply(start);
            request.ApplyTo(start);
        });
    }

    private static async Task<string> WaitForRunAsync(Process trainer, TrainingRequest request, string output, CancellationToken stopping)
    {
        var journal = new RunJournalReader(output);
        RunFinished? finished = null;
        try
        {
            while (true)
            {
                bool hasEnded = trainer.HasExited;
                foreach (RunEvent happened in journal.ReadNew())
                {
                    if (happened is RunStarted started)
                    {
                        File.Move(output, Path.Combine(started.RunPath, $"output-{started.ProcessId}.log"), overwrite: true);
                        return started.RunPath;
                    }

                    finished = happened as RunFinished ?? finished;
                }

                if (hasEnded)
                    return FinishedRunOf(trainer, request, finished, output);

                await Task.Delay(PollInterval, stopping).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            trainer.Kill(entireProcessTree: true);
            throw;
        }
    }

    // What ends before it has taken hold of a run has failed, but for a run that was finished before.
    private static string FinishedRunOf(Process trainer, TrainingRequest request, RunFinished? finished, string output)
    {
        string[] errorLines = [.. File.ReadLines(output).Where(line => !line.StartsWith('{'))];
        if (HostFailure.Of(trainer.ExitCode, finished, errorLines, request.Subject, request.Words) is { } failure)
            throw failure;

        return request.RunPath is { } run && RunFolder.IsRun(run)
            ? run
            : throw new RunException(ExitCode.Unexpected, "TrainerFailed", Strings.Format("EndedSilently", trainer.ExitCode), request.Subject);
    }
}
