using System.CommandLine;
using RobustTrain.Data.Datasets.InputImages;
using RobustTrain.Host.Jobs;
using RobustTrain.Host.Output;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Training;
using RobustTrain.Training.Checkpoints;

namespace RobustTrain.Host.Commands;

/// <summary><c>robusttrain predict</c>.</summary>
internal static class PredictCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Argument<string> path = new("CHECKPOINT_OR_RUN") { Description = "A run's folder, whose best checkpoint is meant, or a checkpoint's folder." };
        Option<string[]> folders = Paths("--images", "PATH", "An image, or a folder of images and of folders with more of them; for a network that takes pairs, a folder with the folders A and B, whose images have the same names. May be given several times.");
        Option<string[]> first = Paths("--image-a", "PATH", "For a network that takes pairs: the image of the earlier date, or a folder of such images; may be given several times, each with an --image-b.");
        Option<string[]> second = Paths("--image-b", "PATH", "The image of the later date, or a folder of such images with the names of those in --image-a.");
        Option<string?> list = new("--pairs", "--list") { HelpName = "FILE", Description = "A text file with an input a line: two paths with a tab between them, as for --image-a and --image-b, or one as for --images." };
        Option<string?> output = new("--output", "-o")
        {
            HelpName = "PATH",
            Description = "The folder of the results, or, where one image or pair goes in, a file that ends in .png. Of a network that tells classes of pixels: NAME.png, of two classes in black and white (what changed is white), of more with a palette. Of one that makes images: NAME.png. Of one that gives labels: a CSV file, which may be left out.",
        };
        Option<bool> scores = new("--probability") { Description = "Also writes NAME.score.png as greys from 0 to 255: the probability of a change, or, of a network that takes single images, of the class that the map says." };
        Option<int?> top = new("--top") { HelpName = "N", Description = "Of a network that gives labels: how many of an image's most probable classes are told; 5 by default." };
        Option<int?> tile = new("--tile-size") { HelpName = "PIXELS", Description = "The side of the tiles in which larger images are computed; memory grows with its square. A multiple of 16 from 64 to 8192; 512 by default, and for a network that enlarges images as much less." };
        Option<int?> overlap = new("--overlap") { HelpName = "PIXELS", Description = "The pixels that neighbouring tiles share, over which they are blended. A multiple of 16, at most half of a tile; 64 by default, or a quarter of a tile where that is less." };
        Option<bool> force = new("--force") { Description = "Overwrites files that are there." };
        Option<bool> skip = new("--skip-existing") { Description = "Leaves out inputs whose results are there, to go on where a prediction was stopped; not for labels." };
        Option<bool> check = new("--check") { Description = "Only checks the checkpoint and the images' headers, and says what would be predicted." };
        Option<string> choice = CommonOptions.OneOf("--checkpoint", "Which checkpoint of a run.", "best", "best", "latest");
        Option<string?> config = new("--config") { HelpName = "FILE", Description = "The configuration of a checkpoint that lies in no run; else the run's own." };
        Option<string?> device = new("--device") { HelpName = "DEVICE", Description = "Another device: cpu, cuda, cuda:N or auto." };
        ConfigurationOptions configuration = new();
        Option<bool> events = CommonOptions.Events();
        Option<bool> lifeLine = CommonOptions.LifeLine();
        Command command = new(
            "predict",
            "Uses a trained network on images: finds changes between pairs, tells the class of each pixel or of the whole image, or makes another image, as the network's task is. SIGTERM and SIGINT (Ctrl+C) stop it (exit code 75); what is finished stays, and the same command with --skip-existing goes on. Memory: 3 bytes for each pixel of an input, 4 for each class or channel (and 4 more) of each pixel that a row of tiles gives, and what the network needs for one tile; of a network that gives labels, what it needs for the whole image.")
        {
            path, folders, first, second, list, output, scores, top, tile, overlap, force, skip, check, choice, config, configuration.Settings, device, events, lifeLine,
        };
        command.SetAction(parsed =>
        {
            EventStream? stream = CommonOptions.OpenStream(parsed.GetValue(events));
            return CommandGuard.Run(
                () =>
                {
                    PredictRequest request = new(
                        parsed.GetValue(path)!,
                        new PredictionOptions
                        {
                            Sources = SourcesOf(parsed.GetValue(folders)!, parsed.GetValue(first)!, parsed.GetValue(second)!, parsed.GetValue(list)),
                            OutputPath = parsed.GetValue(output),
                            WithScores = parsed.GetValue(scores),
                            Top = parsed.GetValue(top),
                            TileSize = parsed.GetValue(tile),
                            Overlap = parsed.GetValue(overlap),
                            Overwrite = parsed.GetValue(force),
                            SkipExisting = parsed.GetValue(skip),
                        },
                        parsed.GetValue(check),
                        Enum.Parse<CheckpointChoice>(parsed.GetValue(choice)!, ignoreCase: true),
                        parsed.GetValue(config),
                        parsed.GetValue(configuration.Settings)!,
                        parsed.GetValue(device),
                        parsed.GetValue(lifeLine));
                    return new PredictJob(request, stream, TimeProvider.System).Run();
                },
                stream);
        });
        return command;
    }

    private static Option<string[]> Paths(string name, string helpName, string description) => new(name)
    {
        HelpName = helpName,
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
        DefaultValueFactory = _ => [],
        Description = description,
    };

    private static List<InputSource> SourcesOf(string[] folders, string[] first, string[] second, string? list)
    {
        if (first.Length != second.Length)
            throw Usage($"--image-a is given {Counted.Of(first.Length, "time")} and --image-b {Counted.Of(second.Length, "time")}; expected as many of one as of the other.");
        List<InputSource> sources =
        [
            .. folders.Select(folder => new InputSource(folder, null)),
            .. first.Zip(second, (a, b) => new InputSource(a, b)),
            .. list is null ? [] : ReadList(list),
        ];
        return sources.Count > 0 ? sources : throw Usage("There is nothing to predict: name images by --images, by --image-a and --image-b, or by --pairs.");
    }

    private static IEnumerable<InputSource> ReadList(string file)
    {
        if (!File.Exists(file))
            throw new RunException(ExitCode.Configuration, "PairListNotFound", $"There is no file '{file}'; --pairs expects a text file with an image or a pair a line.", file);
        int number = 0;
        foreach (string line in File.ReadLines(file))
        {
            number++;
            if (line.Length == 0)
                continue;
            string[] paths = line.Split('\t');
            if (paths.Length > 2 || paths.Any(path => path.Length == 0))
                throw new RunException(ExitCode.Configuration, "PairListInvalid", $"{file}, line {number}: '{line}' names no images; expected two paths with a tab between them, or one.", file);
            yield return new InputSource(paths[0], paths.ElementAtOrDefault(1));
        }
    }

    private static RunException Usage(string sentence) => new(ExitCode.Configuration, "PredictionUsage", sentence);
}
