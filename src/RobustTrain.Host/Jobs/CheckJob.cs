using System.Diagnostics;
using System.Globalization;
using RobustTrain.Configuration;
using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Host.Limits;
using RobustTrain.Host.Output;
using RobustTrain.Host.Progress;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Host.Jobs;

/// <summary>Checks a configuration as a training would before its first step, and creates nothing.</summary>
/// <param name="request">What the command line asks.</param>
/// <param name="stream">Events to whoever started the process; null where nobody reads them.</param>
/// <param name="time">The clock.</param>
/// <param name="checkLaunch">Throws where the ranks that would train can't be started.</param>
internal sealed class CheckJob(RunRequest request, EventStream? stream, TimeProvider time, Action<TrainingConfig> checkLaunch)
{
    private static readonly TimeSpan s_progressInterval = TimeSpan.FromSeconds(0.5);

    private readonly Lock _progressGate = new();
    private long? _told;

    /// <summary>Checks.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="Exception">The configuration has mistakes, or it doesn't fit its dataset, network or machine.</exception>
    public int Run()
    {
        // Nothing here needs a checkpoint, and an orderly exit would wait for a disk that hangs, or take torch's data from under this thread.
        StopRequests requests = new(() => ThisProcess.Exit((int)ExitCode.Unexpected), onCheckpoint: () => { });
        if (request.HasLifeLine)
            LifeLine.Hold(Console.OpenStandardInput(), requests);
        TrainingConfig config;
        try
        {
            config = request.ReadConfiguration();
            if (request.RunPath is { } path)
                RunFolder.Check(path, config, request.Resume);
            SystemLimits.OfThisProcess().Check(config);
            checkLaunch(config);
        }
        catch (Exception exception) when (exception is RunException or ConfigurationException)
        {
            stream?.Write(new ConfigurationChecked(MistakesOf(exception), null, null, null, null, null));
            throw;
        }

        TrainingCheck check = TrainingCheck.Of(config, SayProgress);
        Report(config, check);
        ConfigurationError[] mistakes = [.. check.Faults.SelectMany(MistakesOf)];
        return mistakes.Length switch
        {
            0 => (int)ExitCode.Finished,
            1 => throw check.Faults[0],
            _ => throw new ConfigurationException(mistakes),
        };
    }

    private void Report(TrainingConfig config, TrainingCheck check)
    {
        using DetachedText? output = stream is null ? DetachedText.StandardOutput(onLoss: null) : null;
        foreach (RunWarning warning in check.Warnings)
        {
            stream?.Write(warning);
            output?.WriteLine(EventText.Warning(warning));
        }

        stream?.Write(new ConfigurationChecked(
            [.. check.Faults.SelectMany(MistakesOf)], check.Plan?.Device.ToString(), check.CountOf(DatasetSplit.Train), check.CountOf(DatasetSplit.Val), check.CountOf(DatasetSplit.Test), check.Plan?.StepsPerEpoch)
        { RunPath = check.Faults.Count == 0 ? RunPath(config) : null });
        if (check is { Faults: [], Plan: { } plan })
        {
            output?.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"The configuration is good: {config.Model.Name} on {plan.Device}, {plan.Data.Training.Count} training, {plan.Data.Validation.Count} validation and {plan.Data.Test.Count} test samples, {Counted.Of(plan.Epochs, "epoch")} of {Counted.Of(plan.StepsPerEpoch, "step")}{(config.Trainer.TotalIter is int total ? $" until {total} are done" : "")}."));
        }
    }

    private string RunPath(TrainingConfig config) =>
        request.RunPath is { } path ? WritablePath.Full(path) : RunPathChoice.For(config.Name, time).First(candidate => !Path.Exists(candidate));

    private void SayProgress(int done, int total)
    {
        lock (_progressGate)
        {
            if (stream is null || Stopwatch.GetElapsedTime(_told ??= Stopwatch.GetTimestamp()) < s_progressInterval)
                return;
            _told = Stopwatch.GetTimestamp();
            stream.Write(new CheckProgress(done, total));
        }
    }

    private static IReadOnlyList<ConfigurationError> MistakesOf(Exception exception)
    {
        if (exception is ConfigurationException configuration)
            return configuration.Errors;
        if (exception is DatasetException { Faults.Count: > 1 } dataset)
            return [.. dataset.Faults.Select(fault => new ConfigurationError(Failure.Of(exception).ErrorId, fault.Message, null))];
        Failure failure = Failure.Of(exception);
        return [new ConfigurationError(failure.ErrorId, failure.Message, (failure.Cause as RunException)?.Target as string)];
    }
}
