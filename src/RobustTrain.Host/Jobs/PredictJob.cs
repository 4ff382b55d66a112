using System.Globalization;
using RobustTrain.Host.Limits;
using RobustTrain.Host.Output;
using RobustTrain.Host.Progress;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Host.Jobs;

/// <summary>Predicts images, from the command line to the exit code.</summary>
/// <param name="request">What the command line asks.</param>
/// <param name="stream">Events to whoever started the process; null where nobody reads them.</param>
/// <param name="time">The clock.</param>
internal sealed class PredictJob(PredictRequest request, EventStream? stream, TimeProvider time)
{
    // A tile that is being computed can't be interrupted; who pressed Ctrl+C does not wait for it.
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(500);

    private readonly Lock _ending = new();
    private volatile Predictor? _predictor;
    private bool _hasEnded;

    /// <summary>Predicts.</summary>
    /// <returns>The exit code: that of unreadable data where an input could not be read, that of a stopped run where it was stopped.</returns>
    public int Run()
    {
        string path = Path.GetFullPath(request.Path);
        TrainingConfig config = CheckpointConfiguration.Read(path, request.ConfigPath, request.Settings, request.Device);
        SystemLimits.OfThisProcess().Check(config);
        using CancellationTokenSource stopping = new();
        using Timer overdue = new(_ => EndAtOnce(path));
        StopRequests requests = new(
            () =>
            {
                overdue.Change(s_patience, Timeout.InfiniteTimeSpan);
                stopping.Cancel();
            },
            onCheckpoint: () => { });
        using StopSignals signals = new(requests);
        if (request.HasLifeLine)
            LifeLine.Hold(Console.OpenStandardInput(), requests);
        try
        {
            return Predict(config, path, stopping.Token);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            throw Stopped(path);
        }
        finally
        {
            lock (_ending)
                _hasEnded = true;
        }
    }

    private int Predict(TrainingConfig config, string path, CancellationToken stopping)
    {
        using IProgressDisplay? display = stream is null ? ProgressDisplays.OnStandardOutput(time, CommandGuard.Say) : null;
        CompositeJournal journal = new(time, [stream, display]);
        Predictor predictor = Predictor.Open(config, path, request.Choice, request.Options, journal.Write);
        _predictor = predictor;
        string? output = request.Options.OutputPath is { } given ? Path.GetFullPath(given) : null;
        if (request.ChecksOnly)
        {
            PredictionPlanned planned = new(predictor.Checkpoint.Path, predictor.Plan.Count, output) { ImagesAtOnce = predictor.ImagesAtOnce };
            journal.Write(planned);
            display?.Dispose();
            if (stream is null)
                Console.Out.WriteLine($"{Counted.Of(planned.Pairs, planned.InputName)} would be predicted by {planned.Checkpoint}{(output is null ? "" : $" into {output}")}.");
            return (int)ExitCode.Finished;
        }

        (int made, int failed) = predictor.Run(journal, stopping, time);
        if (failed == 0)
            return (int)ExitCode.Finished;
        string unread = string.Create(CultureInfo.InvariantCulture, $"{failed} of {Counted.Of(made + failed, predictor.ImagesAtOnce == 1 ? "image" : "pair")} could not be read");
        throw new RunException(ExitCode.Data, "PairsNotReadable", output is null ? $"{unread}." : $"{unread}; the others are in {output}.", output);
    }

    private RunException Stopped(string path) => new(
        ExitCode.Stopped, "PredictionStopped",
        _predictor is not { } predictor ? "The prediction was stopped before it began; nothing was written, and the same command begins again."
        : $"The prediction was stopped before all {(predictor.ImagesAtOnce == 1 ? "images" : "pairs")} were predicted; {(predictor.HasFileForEach
            ? "what is finished stays, and the same command with --skip-existing goes on"
            : "labels are written when all are there, and the same command begins again")}.", path);

    private void EndAtOnce(string path)
    {
        lock (_ending)
        {
            if (_hasEnded)
                return;
            _predictor?.DiscardUnfinished();
            int code = CommandGuard.Report(Failure.Of(Stopped(path)), stream);
            stream?.Dispose();
            ThisProcess.Exit(code);
        }
    }
}

/// <summary>What the command line asks of a prediction.</summary>
/// <param name="Path">A run's folder or a checkpoint's.</param>
/// <param name="Options">Which images, and how.</param>
/// <param name="ChecksOnly">Whether nothing is to be predicted.</param>
/// <param name="Choice">Which checkpoint of a run.</param>
/// <param name="ConfigPath">The configuration, for a checkpoint that lies in no run; else the run's own.</param>
/// <param name="Settings">Settings that win over the configuration.</param>
/// <param name="Device">Another device.</param>
/// <param name="HasLifeLine">Whether standard input is the parent's life line.</param>
internal sealed record PredictRequest(
    string Path,
    PredictionOptions Options,
    bool ChecksOnly,
    CheckpointChoice Choice,
    string? ConfigPath,
    IReadOnlyList<string> Settings,
    string? Device,
    bool HasLifeLine);
