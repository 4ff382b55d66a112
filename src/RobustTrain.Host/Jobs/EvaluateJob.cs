using System.Diagnostics;
using System.Globalization;
using RobustTrain.Data.Datasets;
using RobustTrain.Host.Limits;
using RobustTrain.Host.Output;
using RobustTrain.Host.Progress;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.SampleData;
using RobustTrain.Training;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Evaluation;

namespace RobustTrain.Host.Jobs;

/// <summary>Scores a checkpoint, from the command line to the exit code.</summary>
/// <param name="request">What the command line asks.</param>
/// <param name="stream">Events to whoever started the process; null where nobody reads them.</param>
/// <param name="time">The clock.</param>
internal sealed class EvaluateJob(EvaluateRequest request, EventStream? stream, TimeProvider time)
{
    /// <summary>Scores.</summary>
    /// <returns>The exit code.</returns>
    public int Run()
    {
        string path = Path.GetFullPath(request.Path);
        TrainingConfig config = CheckpointConfiguration.Read(path, request.ConfigPath, request.Settings, request.Device, request.DataPath);
        SystemLimits.OfThisProcess().Check(config);
        CheckPictureFolder();
        return CancellableWork.Run(
            request.HasLifeLine,
            stopping =>
            {
                EvaluationFinished finished = Evaluate(config, path, stopping);
                stream?.Write(finished);
                if (stream is null)
                    Print(finished);
                return (int)ExitCode.Finished;
            },
            reason => new RunException(ExitCode.Unexpected, "EvaluationStopped", $"The evaluation was stopped ({reason}) before all samples were scored.", path));
    }

    private EvaluationFinished Evaluate(TrainingConfig config, string path, CancellationToken stopping)
    {
        Stopwatch watch = Stopwatch.StartNew();
        using IProgressDisplay? display = stream is null && !request.AsJson ? ProgressDisplays.OnStandardOutput(time, CommandGuard.Say) : null;
        CompositeJournal journal = new(time, [stream, display]);
        Evaluator evaluator = Evaluator.Open(config, path, request.Choice, request.Split, warning => Warn(journal, warning));
        EvaluationResult result = evaluator.Run(journal, stopping, time);
        bool hasBaseline = DifferencingBaseline.AppliesTo(evaluator.Dataset);
        double? baseline = hasBaseline && request.WithBaseline ? DifferencingBaseline.Measure(evaluator.Dataset, config.Data.Std).BestF1 : null;
        DifferencingTransfer? trained = hasBaseline && request.WithTrainedBaseline
            ? DifferencingBaseline.MeasureTransfer(evaluator.OpenTrainingSplit(), evaluator.Dataset, config.Data.Std)
            : null;
        CheckpointManifest manifest = evaluator.Checkpoint.Manifest;
        return new EvaluationFinished(
            evaluator.Checkpoint.Path, manifest.CompletedEpoch, config.Data.Path, request.Split.ToString().ToLowerInvariant(), result.Samples.Count, result.Scores, baseline, watch.Elapsed.TotalSeconds)
        {
            Time = time.GetUtcNow(),
            Task = config.Task,
            BestMetric = config.Trainer.BestMetric,
            ScoreNames = evaluator.ScoreNames,
            Confusion = result.Aggregated.ConfusionCounts,
            Pictures = request.PicturePath is { } folder ? evaluator.DrawExtremes(result, folder, request.Most, journal, stopping) : null,
            TrainedDifferencingF1 = trained?.F1,
            TrainedDifferencingConfusion = trained?.Confusion,
            BicubicPsnrY = request.WithBaseline && BicubicBaseline.AppliesTo(evaluator.Dataset) ? BicubicBaseline.MeasurePsnrY(evaluator.Dataset) : null,
        };
    }

    private void CheckPictureFolder()
    {
        if (request.PicturePath is not { } path)
            return;
        string folder = WritablePath.Full(path);
        if (File.Exists(folder) || (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any()))
            throw new RunException(ExitCode.Configuration, "PictureFolderNotEmpty", $"The picture folder '{folder}' is {(File.Exists(folder) ? "a file" : "not empty")}; a new or an empty folder is expected.", folder);
    }

    private void Warn(CompositeJournal journal, RunWarning warning)
    {
        journal.Write(warning);
        if (request.AsJson)
            CommandGuard.Say(warning.Message);
    }

    private void Print(EvaluationFinished finished)
    {
        if (request.AsJson)
        {
            using Stream output = Console.OpenStandardOutput();
            System.Buffers.ArrayBufferWriter<byte> line = new();
            EventLine.Write(line, finished);
            output.Write(line.WrittenSpan);
            return;
        }

        string epoch = finished.Epoch is { } number ? string.Create(CultureInfo.InvariantCulture, $" (epoch {number})") : "";
        Console.Out.WriteLine($"{finished.Checkpoint}{epoch} on {Counted.Of(finished.Samples, "sample")} of the {finished.Split} split of {finished.DataPath}");
        foreach ((string name, double score) in finished.Scores)
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {name,-24} {score:0.0000}"));
        if (finished.DifferencingF1 is { } baseline)
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {"thresholded differencing",-24} {baseline:0.0000}  (best f1, the threshold chosen on these very samples)"));
        if (finished.TrainedDifferencingF1 is { } trained)
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {"thresholded differencing",-24} {trained:0.0000}  (f1, the threshold chosen on the training split)"));
        if (finished.BicubicPsnrY is { } bicubic)
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {"bicubic interpolation",-24} {bicubic:0.0000}  (psnr_y)"));
        if (finished.Pictures is { } pictures)
            Console.Out.WriteLine($"{Counted.Are(pictures.Count, "picture")} in {Path.GetFullPath(request.PicturePath!)}");
    }
}

/// <summary>What the command line asks of an evaluation.</summary>
/// <param name="Path">A run's folder or a checkpoint's.</param>
/// <param name="ConfigPath">The configuration, for a checkpoint that lies in no run; else the run's own.</param>
/// <param name="Settings">Settings that win over the configuration.</param>
/// <param name="DataPath">Another dataset's folder.</param>
/// <param name="Split">The split to score.</param>
/// <param name="Choice">Which checkpoint of a run.</param>
/// <param name="Device">Another device.</param>
/// <param name="WithBaseline">Whether thresholded differencing is measured beside it.</param>
/// <param name="WithTrainedBaseline">Whether it is measured with the threshold that is best on the training split.</param>
/// <param name="PicturePath">The folder of pictures of the worst and best samples; null for none.</param>
/// <param name="Most">The most pictures of either.</param>
/// <param name="AsJson">Whether one JSON object is printed in place of a table.</param>
/// <param name="HasLifeLine">Whether standard input is the parent's life line.</param>
internal sealed record EvaluateRequest(
    string Path,
    string? ConfigPath,
    IReadOnlyList<string> Settings,
    string? DataPath,
    DatasetSplit Split,
    CheckpointChoice Choice,
    string? Device,
    bool WithBaseline,
    bool WithTrainedBaseline,
    string? PicturePath,
    int Most,
    bool AsJson,
    bool HasLifeLine)
{
    /// <summary>The most pictures of the worst, and of the best, samples where nothing else is said.</summary>
    public const int DefaultMost = 8;
}
