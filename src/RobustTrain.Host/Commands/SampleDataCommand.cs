using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Datasets.AirChange;
using RobustTrain.Host.Jobs;
using RobustTrain.Host.Output;
using RobustTrain.Host.Progress;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.SampleData;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Host.Commands;

/// <summary><c>robusttrain sample-data</c>: makes data to train on without a download.</summary>
internal static class SampleDataCommand
{
    private const string DifferencedTask = "change-detection";
    private const double LeastChangeShare = 0.01;
    private const double MostChangeShare = 0.2;

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Argument<string> output = new("OUTPUT") { Description = "The folder to make; it must not exist, or be empty." };
        Option<string> task = CommonOptions.OneOf("--task", "What is to be trained on it.", new SampleDatasetOptions { Path = "" }.Task, [.. SampleDataCatalog.Tasks]);
        Option<long> seed = new("--seed") { Description = "The same seed makes the same bytes.", HelpName = "N" };
        Option<double> changes = new("--change-share")
        {
            Description = string.Create(CultureInfo.InvariantCulture, $"change-detection: the share of each scene that is built up between the dates, {LeastChangeShare} to {MostChangeShare}."),
            HelpName = "SHARE",
            DefaultValueFactory = _ => new SampleDatasetOptions { Path = "" }.ChangeShare,
        };
        changes.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && !IsShare(result.Tokens[0].Value))
                result.AddError(string.Create(CultureInfo.InvariantCulture, $"--change-share is '{result.Tokens[0].Value}', but must be a number from {LeastChangeShare} to {MostChangeShare}."));
        });
        Option<bool> events = CommonOptions.Events();
        Option<bool> lifeLine = CommonOptions.LifeLine();
        Command command = new(
            "sample-data",
            "Makes data to train a task on. For change-detection: aerial scenes at two dates in the layout of the SZTAKI AirChange benchmark (data.dataset: air-change), with the best F1 of thresholded differencing on their test split.")
        {
            output, task, seed, changes, events, lifeLine,
        };
        command.SetAction(parsed =>
        {
            EventStream? stream = CommonOptions.OpenStream(parsed.GetValue(events));
            return CommandGuard.Run(
                () =>
                {
                    SampleDatasetOptions options = new()
                    {
                        Path = WritablePath.Full(parsed.GetValue(output)!),
                        Task = parsed.GetValue(task)!.ToLowerInvariant(),
                        Seed = parsed.GetValue(seed),
                        ChangeShare = parsed.GetValue(changes),
                    };
                    return CancellableWork.Run(
                        parsed.GetValue(lifeLine),
                        stopping => Make(options, stream, stopping),
                        reason => new RunException(ExitCode.Unexpected, "SampleDataStopped", $"The sample data was not made, since it was stopped ({reason}); nothing was left behind.", options.Path));
                },
                stream);
        });
        return command;
    }

    private static bool IsShare(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double share) && share is >= LeastChangeShare and <= MostChangeShare;

    private static int Make(SampleDatasetOptions options, EventStream? stream, CancellationToken stopping)
    {
        Stopwatch watch = Stopwatch.StartNew();
        int parts = 0;
        using (IProgressDisplay? display = stream is null ? ProgressDisplays.OnStandardOutput(TimeProvider.System, CommandGuard.Say) : null)
        {
            IRunJournal journal = new CompositeJournal(TimeProvider.System, [stream, display]);
            SampleDatasetGenerator.Write(
                options,
                progress =>
                {
                    parts = progress.Total;
                    journal.Write(new SampleDataProgress(progress.Scene, progress.Done, progress.Total));
                },
                stopping);
        }

        DifferencingScore? baseline = options.Task == DifferencedTask ? Measure(options.Path) : null;
        stream?.Write(new SampleDataFinished(options.Path, parts, options.Seed, baseline?.ChangedShare, baseline?.BestF1, watch.Elapsed.TotalSeconds) { Task = options.Task });
        if (stream is null)
        {
            using DetachedText output = DetachedText.StandardOutput(CommandGuard.Say);
            if (baseline is null)
            {
                output.WriteLine($"{Counted.Are(parts, "part")} in {options.Path}: data for {options.Task}.");
            }
            else
            {
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Counted.Are(parts, "scene")} in {options.Path}; {baseline.ChangedShare * 100:0.0} % of the test pixels have changed."));
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Best F1 of thresholded differencing on the test split: {baseline.BestF1:0.0000}"));
            }
        }

        return (int)ExitCode.Finished;
    }

    private static DifferencingScore Measure(string path)
    {
        DataConfig defaults = new();
        AirChangeDataset test = new(
            new AirChangeOptions
            {
                Path = path,
                Split = DatasetSplit.Test,
                ValidationScenes = defaults.ValidationScenes,
                CropSize = defaults.CropSize!.Value,
                Mean = defaults.Mean,
                Std = defaults.Std,
            },
            new SceneCache());
        return DifferencingBaseline.Measure(test, defaults.Std);
    }
}
