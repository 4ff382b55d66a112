using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using RobustTrain.Configuration;
using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Loading.Workers;
using RobustTrain.Host.Jobs;
using RobustTrain.Host.Output;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Host.Commands;

/// <summary><c>robusttrain loader</c>: measures a loader over a dataset without a training.</summary>
internal static class LoaderCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        ConfigurationOptions configuration = new();
        Option<string?> images = new("--images") { HelpName = "FOLDER", Description = "Loads the images of a folder in random crops, in place of the configuration's data." };
        Option<int?> integers = new("--integers") { HelpName = "COUNT", Description = "Loads so many integers, in place of data: what the loader itself costs." };
        Option<int> cropSize = new("--crop-size") { HelpName = "PIXELS", DefaultValueFactory = _ => 224, Description = "The side of the crops of --images." };
        Option<int?[]> workers = new("--workers")
        {
            HelpName = "N|auto",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [],
            CustomParser = WorkersOf,
            Description = "Numbers of workers to measure one after the other, or auto, which finds one; else loader.num_workers.",
        };
        Option<string[]> kinds = new("--kind") { HelpName = "thread|process", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [], Description = "Kinds of workers to measure; else loader.worker_kind." };
        kinds.Validators.Add(result =>
        {
            foreach (string text in result.Tokens.Select(token => token.Value).Where(text => !Enum.GetNames<WorkerKind>().Contains(text, StringComparer.OrdinalIgnoreCase)))
                result.AddError($"--kind is '{text}', but must be one of thread, process.");
        });
        Option<int> epochs = new("--epochs") { HelpName = "N", DefaultValueFactory = _ => 1, Description = "Epochs of each measurement; workers live on between them as loader.persistent_workers says." };
        Option<string> split = CommonOptions.OneOf("--split", "The split to load.", "train", "train", "val", "test");
        Option<string?> faults = new("--fault") { HelpName = "KIND:SHARE,...", Description = "Injects faults, as kill:0.01,stall:0.005,corrupt:0.01, to see that nothing is lost; kind@index befalls one sample, a ! behind it every attempt." };
        faults.Validators.Add(result =>
        {
            if (result.Tokens is not [var token])
                return;
            try
            {
                FaultPlan.Parse(token.Value);
            }
            catch (FormatException exception)
            {
                result.AddError(exception.Message);
            }
        });
        Option<bool> decodeOnly = new("--decode-only") { Description = "Decodes the files of --images in so many threads, and does nothing with them: prints images a second." };
        Option<bool> events = CommonOptions.Events();
        Option<bool> lifeLine = CommonOptions.LifeLine();
        Command command = new("loader", "Measures the loader over a dataset without a training, for one or several numbers and kinds of workers.");
        configuration.AddTo(command);
        foreach (Option option in (Option[])[images, integers, cropSize, workers, kinds, epochs, split, faults, decodeOnly, events, lifeLine])
            command.Add(option);
        command.SetAction(parsed =>
        {
            EventStream? stream = CommonOptions.OpenStream(parsed.GetValue(events));
            LoaderRequest request = new(
                parsed.GetValue(configuration.File),
                parsed.GetValue(configuration.Settings)!,
                parsed.GetValue(images),
                parsed.GetValue(integers),
                parsed.GetValue(cropSize),
                parsed.GetValue(workers)!,
                [.. parsed.GetValue(kinds)!.Select(kind => Enum.Parse<WorkerKind>(kind, ignoreCase: true))],
                parsed.GetValue(epochs),
                Enum.Parse<DatasetSplit>(parsed.GetValue(split)!, ignoreCase: true),
                parsed.GetValue(faults) is string text ? FaultPlan.Parse(text) : null,
                parsed.GetValue(decodeOnly),
                parsed.GetValue(lifeLine));
            return CommandGuard.Run(() => new LoaderJob(request, stream).Run(), stream);
        });
        return command;
    }

    // As loader.num_workers: the key knows what it may be.
    private static int?[] WorkersOf(ArgumentResult result)
    {
        ConfigurationKey key = ConfigurationSchema<TrainingConfig>.Find("loader.num_workers")!;
        List<int?> numbers = [];
        foreach (string text in result.Tokens.Select(token => token.Value))
        {
            if (text.Equals(key.NullText, StringComparison.OrdinalIgnoreCase))
                numbers.Add(null);
            else if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number <= key.Maximum)
                numbers.Add(number);
            else
                result.AddError($"--workers is '{text}', but must be {ConfigurationDocumentation.Expectation(key)}.");
        }

        return [.. numbers];
    }
}
