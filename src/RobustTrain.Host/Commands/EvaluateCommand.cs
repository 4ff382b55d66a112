using System.CommandLine;
using RobustTrain.Data.Datasets;
using RobustTrain.Host.Jobs;
using RobustTrain.Host.Output;
using RobustTrain.Training.Checkpoints;

namespace RobustTrain.Host.Commands;

/// <summary><c>robusttrain evaluate</c>.</summary>
internal static class EvaluateCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Argument<string> path = new("CHECKPOINT_OR_RUN") { Description = "A run's folder, whose best checkpoint is meant, or a checkpoint's folder." };
        Option<string?> config = new("--config") { HelpName = "FILE", Description = "The configuration of a checkpoint that lies in no run; else the run's own." };
        ConfigurationOptions configuration = new();
        Option<string?> dataPath = new("--data-path") { HelpName = "FOLDER", Description = "Another dataset than the one that the run was trained on." };
        Option<string> split = CommonOptions.OneOf("--split", "The split to score.", "test", "test", "val", "train");
        Option<string> choice = CommonOptions.OneOf("--checkpoint", "Which checkpoint of a run.", "best", "best", "latest");
        Option<string?> device = new("--device") { HelpName = "DEVICE", Description = "Another device: cpu, cuda, cuda:N or auto." };
        Option<bool> baseline = new("--baseline") { Description = "Also measures on the same samples the best F1 of thresholded differencing or, in super-resolution, the PSNR of bicubic interpolation." };
        Option<bool> trainedBaseline = new("--trained-baseline") { Description = "Also measures thresholded differencing with the threshold that is best on the training split." };
        Option<string?> pictures = new("--pictures") { HelpName = "FOLDER", Description = "Also draws the samples with the lowest and the highest score into this folder, which must be new or empty: the images, the truth and the prediction side by side." };
        Option<int?> most = new("--most") { HelpName = "N", Description = "How many of the worst and of the best samples are drawn; 8 by default." };
        most.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !(int.TryParse(token.Value, out int number) && number is >= 1 and <= 10_000))
                result.AddError($"--most is '{token.Value}', but must be a number from 1 to 10000.");
            else if (result.GetResult(pictures) is null)
                result.AddError("--most is given without --pictures, the folder of the pictures that it counts.");
        });
        Option<bool> json = new("--json") { Description = "Prints one JSON object in place of a table." };
        Option<bool> events = CommonOptions.Events();
        Option<bool> lifeLine = CommonOptions.LifeLine();
        Command command = new("evaluate", "Scores a checkpoint on a dataset.")
        {
            path, config, configuration.Settings, dataPath, split, choice, device, baseline, trainedBaseline, pictures, most, json, events, lifeLine,
        };
        command.SetAction(parsed =>
        {
            EventStream? stream = CommonOptions.OpenStream(parsed.GetValue(events));
            EvaluateRequest request = new(
                parsed.GetValue(path)!,
                parsed.GetValue(config),
                parsed.GetValue(configuration.Settings)!,
                parsed.GetValue(dataPath),
                Enum.Parse<DatasetSplit>(parsed.GetValue(split)!, ignoreCase: true),
                Enum.Parse<CheckpointChoice>(parsed.GetValue(choice)!, ignoreCase: true),
                parsed.GetValue(device),
                parsed.GetValue(baseline),
                parsed.GetValue(trainedBaseline),
                parsed.GetValue(pictures),
                parsed.GetValue(most) ?? EvaluateRequest.DefaultMost,
                parsed.GetValue(json),
                parsed.GetValue(lifeLine));
            return CommandGuard.Run(() => new EvaluateJob(request, stream, TimeProvider.System).Run(), stream);
        });
        return command;
    }
}
