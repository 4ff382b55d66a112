using System.CommandLine;
using System.Globalization;
using RobustTrain.Data.Imaging;
using RobustTrain.Host.Jobs;
using RobustTrain.Host.Output;
using RobustTrain.Host.Plots;
using RobustTrain.Platform;
using RobustTrain.Reports;
using RobustTrain.Reports.Plots;
using RobustTrain.Runs;

namespace RobustTrain.Host.Commands;

/// <summary><c>robusttrain plot</c>.</summary>
internal static class PlotCommand
{
    private const int LeastPixels = 200;
    private const int MostPixels = 8000;

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Argument<string[]> runs = new("RUN") { Arity = ArgumentArity.OneOrMore, Description = "The folders of runs; several are drawn over each other." };
        Option<string> output = new("--output", "-o") { HelpName = "FILE", Required = true, Description = "The picture to write, a PNG." };
        Option<string> metric = new("--metric") { HelpName = "NAME", DefaultValueFactory = _ => "loss", Description = "What is drawn: loss, learning_rate, train_loss, samples_per_second, data_wait_percent, epoch_seconds, cpu_percent, gpu_percent, gpu_watts, or a score, as f1." };
        Option<double> smooth = new("--smooth") { HelpName = "0-0.99", DefaultValueFactory = _ => 0, Description = "How much of the mean of the points before goes into each point." };
        Option<bool> logarithmic = new("--logarithmic") { Description = "Draws the values by their logarithm." };
        Option<int> width = new("--width") { HelpName = "PIXELS", DefaultValueFactory = _ => 1200, Description = "The picture's width." };
        Option<int> height = new("--height") { HelpName = "PIXELS", DefaultValueFactory = _ => 600, Description = "The picture's height." };
        Option<bool> force = new("--force") { Description = "Overwrites a file that is there." };
        Option<bool> events = CommonOptions.Events();
        Option<bool> lifeLine = CommonOptions.LifeLine();
        Command command = new("plot", "Draws a curve of runs as a picture.") { runs, output, metric, smooth, logarithmic, width, height, force, events, lifeLine };
        command.SetAction(parsed =>
        {
            EventStream? stream = CommonOptions.OpenStream(parsed.GetValue(events));
            return CommandGuard.Run(
                () =>
                {
                    string target = Path.GetFullPath(parsed.GetValue(output)!);
                    Check(target, parsed.GetValue(force), parsed.GetValue(smooth), parsed.GetValue(width), parsed.GetValue(height));
                    return CancellableWork.Run(
                        parsed.GetValue(lifeLine),
                        stopping =>
                        {
                            Plot plot = RunPlot.Of(parsed.GetValue(runs)!, parsed.GetValue(metric)!, parsed.GetValue(smooth), parsed.GetValue(logarithmic), progress: null, stopping);
                            Write(PlotPicture.Draw(plot, parsed.GetValue(width), parsed.GetValue(height)), target);
                            if (stream is null)
                                Console.Out.WriteLine(target);
                            return (int)ExitCode.Finished;
                        },
                        reason => new RunException(ExitCode.Unexpected, "PlotStopped", $"The drawing was stopped ({reason}) before '{target}' was written.", target));
                },
                stream);
        });
        return command;
    }

    private static void Check(string target, bool mayOverwrite, double smooth, int width, int height)
    {
        if (!Path.GetExtension(target).Equals(".png", StringComparison.OrdinalIgnoreCase))
            throw new RunException(ExitCode.Configuration, "PlotFormatUnknown", $"The file '{target}' has the extension '{Path.GetExtension(target)}'; expected .png.", target);
        if (Directory.Exists(target) || (File.Exists(target) && !mayOverwrite))
            throw new RunException(ExitCode.Configuration, "PlotExists", Directory.Exists(target) ? $"'{target}' is a folder; a file is expected." : $"The file '{target}' is there already; --force overwrites it.", target);
        if (!Directory.Exists(Path.GetDirectoryName(target)))
            throw new RunException(ExitCode.Configuration, "PlotFolderNotFound", $"The folder of '{target}' does not exist.", target);
        if (smooth is not (>= 0 and < 1))
            throw new RunException(ExitCode.Configuration, "SmoothOutOfRange", string.Create(CultureInfo.InvariantCulture, $"--smooth is {smooth}; expected 0 or more, and less than 1."), smooth);
        foreach ((string name, int pixels) in new[] { ("--width", width), ("--height", height) })
        {
            if (pixels is < LeastPixels or > MostPixels)
                throw new RunException(ExitCode.Configuration, "PlotSizeOutOfRange", string.Create(CultureInfo.InvariantCulture, $"{name} is {pixels}; expected {LeastPixels} to {MostPixels}."), pixels);
        }
    }

    private static void Write(ImageBuffer picture, string target)
    {
        using MemoryStream bytes = new();
        PngWriter.Write(bytes, picture);
        DurableFile.Write(target, bytes.GetBuffer().AsSpan(0, (int)bytes.Length));
    }
}
