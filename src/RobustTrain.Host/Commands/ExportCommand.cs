using System.CommandLine;
using System.Globalization;
using RobustTrain.Host.Jobs;
using RobustTrain.Host.Output;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Host.Commands;

/// <summary><c>robusttrain export</c>.</summary>
internal static class ExportCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Argument<string> path = new("CHECKPOINT_OR_RUN") { Description = "A run's folder, whose best checkpoint is meant, or a checkpoint's folder." };
        Option<string> output = new("--output", "-o") { HelpName = "FILE", Required = true, Description = "The file to write." };
        Option<string> format = CommonOptions.OneOf(
            "--format", "safetensors (the weights, under the names of the public network) or onnx (the network itself); auto goes by the file's extension, .safetensors or .onnx.", "auto", "auto", "safetensors", "onnx");
        Option<int> opset = new("--opset") { HelpName = "N", DefaultValueFactory = _ => ExportOptions.DefaultOpset, Description = "onnx: the version of the operator set, 13 to 21." };
        Option<int?> batch = new("--batch") { HelpName = "N", Description = "onnx: the images of a batch; open by default." };
        Option<int?> height = new("--height") { HelpName = "PIXELS", Description = "onnx: the height of images; open by default." };
        Option<int?> width = new("--width") { HelpName = "PIXELS", Description = "onnx: the width of images; open by default." };
        Option<bool> force = new("--force") { Description = "Overwrites a file that is there." };
        Option<string> choice = CommonOptions.OneOf("--checkpoint", "Which checkpoint of a run.", "best", "best", "latest");
        Option<string?> config = new("--config") { HelpName = "FILE", Description = "The configuration of a checkpoint that lies in no run; else the run's own." };
        Option<bool> events = CommonOptions.Events();
        Option<bool> lifeLine = CommonOptions.LifeLine();
        Command command = new(
            "export",
            "Takes a trained network away: its weights as safetensors, or the network as ONNX, checked by ONNX Runtime against this program's own network before there is a file.")
        {
            path, output, format, opset, batch, height, width, force, choice, config, events, lifeLine,
        };
        command.SetAction(parsed =>
        {
            EventStream? stream = CommonOptions.OpenStream(parsed.GetValue(events));
            return CommandGuard.Run(
                () =>
                {
                    string target = parsed.GetValue(output)!;
                    ModelExporter? exporter = null;
                    StopRequests requests = new(() => EndAtOnce(exporter, target, stream), onCheckpoint: () => { });
                    using StopSignals signals = new(requests);
                    if (parsed.GetValue(lifeLine))
                        LifeLine.Hold(Console.OpenStandardInput(), requests);
                    ExportOptions options = new()
                    {
                        Path = target,
                        Format = FormatOf(parsed.GetValue(format)!, target),
                        Opset = parsed.GetValue(opset),
                        Batch = parsed.GetValue(batch),
                        Height = parsed.GetValue(height),
                        Width = parsed.GetValue(width),
                        Overwrite = parsed.GetValue(force),
                    };
                    string checkpoint = Path.GetFullPath(parsed.GetValue(path)!);
                    TrainingConfig training = CheckpointConfiguration.Read(checkpoint, parsed.GetValue(config), [], device: null);
                    exporter = ModelExporter.Open(
                        training, checkpoint, Enum.Parse<CheckpointChoice>(parsed.GetValue(choice)!, ignoreCase: true), options, warning => Warn(warning, stream));
                    ModelExported exported = exporter.Run();
                    stream?.Write(exported);
                    if (stream is null)
                        Console.Out.WriteLine(SentenceOf(exported));
                    return (int)ExitCode.Finished;
                },
                stream);
        });
        return command;
    }

    private static ExportFormat FormatOf(string word, string file) => (word.ToLowerInvariant(), Path.GetExtension(file).ToLowerInvariant()) switch
    {
        ("onnx", ".safetensors") or ("safetensors", ".onnx") => throw new RunException(
            ExitCode.Configuration, "ExportFormatMismatch",
            $"--format is {word.ToLowerInvariant()}, but the file '{file}' has the extension of the other format; name it .{word.ToLowerInvariant()}, or leave --format out.", file),
        ("onnx", _) => ExportFormat.Onnx,
        ("safetensors", _) => ExportFormat.SafeTensors,
        _ => Path.GetExtension(file).ToLowerInvariant() switch
        {
            ".onnx" => ExportFormat.Onnx,
            ".safetensors" => ExportFormat.SafeTensors,
            var other => throw new RunException(ExitCode.Configuration, "ExportFormatUnknown", $"The file '{file}' has the extension '{other}', which names no format; expected .safetensors or .onnx, or --format."),
        },
    };

    private static void EndAtOnce(ModelExporter? exporter, string file, EventStream? stream)
    {
        exporter?.DiscardUnfinished();
        int code = CommandGuard.Report(Failure.Of(new RunException(ExitCode.Unexpected, "ExportStopped", $"The export was stopped before '{Path.GetFullPath(file)}' was written.", file)), stream);
        stream?.Dispose();
        ThisProcess.Exit(code);
    }

    private static void Warn(RunWarning warning, EventStream? stream)
    {
        if (stream is null)
            CommandGuard.Say(warning.Message);
        else
            stream.Write(warning);
    }

    private static string SentenceOf(ModelExported exported)
    {
        string check = exported.LargestDifference is { } difference
            ? string.Create(CultureInfo.InvariantCulture, $" ONNX Runtime's output differs from the network's by at most {difference:0.0e+0}.")
            : "";
        return string.Create(CultureInfo.InvariantCulture, $"{exported.Path}: {exported.Model} with {exported.Parameters} parameters, {exported.Bytes} bytes of {exported.Format}.{check}");
    }
}
