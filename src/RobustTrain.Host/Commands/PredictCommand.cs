using System.CommandLine;
using RobustTrain.Data.Datasets.ImagePairs;
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
        Option<string[]> folders = Paths("--images", "FOLDER", "A folder with the folders A and B, whose images have the same names; may be given several times.");
        Option<string[]> first = Paths("--image-a", "PATH", "The image of the earlier date, or a folder of such images; may be given several times, each with an --image-b.");
        Option<string[]> second = Paths("--image-b", "PATH", "The image of the later date, or a folder of such images with the names of those in --image-a.");
        Option<string?> list = new("--pairs") { HelpName = "FILE", Description = "A text file with a pair a line: two paths with a tab between them, as for --image-a and --image-b, or one as for --images." };
        Option<string> output = new("--output", "-o") { HelpName = "FOLDER", Required = true, Description = "The folder of the results: NAME.png with the changes in white, or, of more than two classes, with a palette." };
        Option<bool> scores = new("--probability") { Description = "Also writes NAME.score.png: the probability of a change as greys from 0 to 255." };
        Option<int> tile = new("--tile-size") { HelpName = "PIXELS", DefaultValueFactory = _ => PredictionOptions.DefaultTileSize, Description = "The side of the tiles in which larger images are computed; memory grows with its square. A multiple of 16 from 64 to 8192." };
        Option<int> overlap = new("--overlap") { HelpName = "PIXELS", DefaultValueFactory = _ => PredictionOptions.DefaultOverlap, Description = "The pixels that neighbouring tiles share, over which they are blended. A multiple of 16, at most half of a tile." };
        Option<bool> force = new("--force") { Description = "Overwrites files that are there." };
        Option<bool> check = new("--check") { Description = "Only checks the checkpoint and the images' headers, and says what would be predicted." };
        Option<string> choice = CommonOptions.OneOf("--checkpoint", "Which checkpoint of a run.", "best", "best", "latest");
        Option<string?> config = new("--config") { HelpName = "FILE", Description = "The configuration of a checkpoint that lies in no run; else the run's own." };
        Option<string?> device = new("--device") { HelpName = "DEVICE", Description = "Another device: cpu, cuda, cuda:N or auto." };
        ConfigurationOptions configuration = new();
        Option<bool> events = CommonOptions.Events();
        Option<bool> lifeLine = CommonOptions.LifeLine();
        Command command = new(
            "predict",
            "Finds the changes between pairs of images with a trained network, and writes a PNG for each. Memory: 3 bytes for each pixel of the two images, 4 for each class of a row of tiles, and what the network needs for one tile.")
        {
            path, folders, first, second, list, output, scores, tile, overlap, force, check, choice, config, configuration.Settings, device, events, lifeLine,
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
                            OutputPath = parsed.GetValue(output)!,
                            WithScores = parsed.GetValue(scores),
                            TileSize = parsed.GetValue(tile),
                            Overlap = parsed.GetValue(overlap),
                            Overwrite = parsed.GetValue(force),
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

    private static List<ImagePairSource> SourcesOf(string[] folders, string[] first, string[] second, string? list)
    {
        if (first.Length != second.Length)
            throw Usage($"--image-a is given {Counted.Of(first.Length, "time")} and --image-b {Counted.Of(second.Length, "time")}; expected as many of one as of the other.");
        List<ImagePairSource> sources =
        [
            .. folders.Select(folder => new ImagePairSource(folder, null)),
            .. first.Zip(second, (a, b) => new ImagePairSource(a, b)),
            .. list is null ? [] : ReadList(list),
        ];
        return sources.Count > 0 ? sources : throw Usage("There is nothing to predict: name images by --image-a and --image-b, by --images or by --pairs.");
    }

    private static IEnumerable<ImagePairSource> ReadList(string file)
    {
        if (!File.Exists(file))
            throw new RunException(ExitCode.Configuration, "PairListNotFound", $"There is no file '{file}'; --pairs expects a text file with a pair a line.", file);
        int number = 0;
        foreach (string line in File.ReadLines(file))
        {
            number++;
            if (line.Length == 0)
                continue;
            string[] paths = line.Split('\t');
            if (paths.Length > 2 || paths.Any(path => path.Length == 0))
                throw new RunException(ExitCode.Configuration, "PairListInvalid", $"{file}, line {number}: '{line}' is no pair; expected two paths with a tab between them, or one.", file);
            yield return new ImagePairSource(paths[0], paths.ElementAtOrDefault(1));
        }
    }

    private static RunException Usage(string sentence) => new(ExitCode.Configuration, "PredictionUsage", sentence);
}
