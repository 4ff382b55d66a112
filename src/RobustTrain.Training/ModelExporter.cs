using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Checkpoints.SafeTensors;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Onnx;
using RobustTrain.Training.Prediction;
using RobustTrain.Training.Tasks;
using static TorchSharp.torch;

namespace RobustTrain.Training;

/// <summary>Takes a checkpoint's network away: its weights as safetensors, or the network itself as ONNX.</summary>
public sealed class ModelExporter
{
    /// <summary>By how much ONNX Runtime's output may differ from the network's own.</summary>
    public const double Tolerance = 1e-4;

    // One message of Protocol Buffers, which a file of ONNX is, has 2 GiB at most.
    private const long LargestOnnx = int.MaxValue - (1 << 20);

    private readonly TrainingConfig _config;
    private readonly ITrainingTask _task;
    private readonly CheckpointArchive _archive;
    private readonly ExportOptions _options;
    private volatile ResultFile? _unfinished;

    private ModelExporter(TrainingConfig config, CheckpointArchive archive, ExportOptions options)
    {
        _config = config;
        _task = TaskCatalog.Of(config);
        _archive = archive;
        _options = options;
    }

    /// <summary>The checkpoint.</summary>
    public Checkpoint Checkpoint => _archive.Checkpoint;

    /// <summary>Opens the checkpoint and checks what can be checked. Creates nothing.</summary>
    /// <param name="config">The network's configuration.</param>
    /// <param name="path">A run's folder, or a checkpoint's.</param>
    /// <param name="choice">Which checkpoint of a run.</param>
    /// <param name="options">What is written, and where to.</param>
    /// <param name="warn">Is told, in one sentence each, of damaged checkpoints that are passed over.</param>
    /// <exception cref="RunException">The checkpoint is missing, damaged or of another model; an option is out of range; or the file is there.</exception>
    public static ModelExporter Open(TrainingConfig config, string path, CheckpointChoice choice, ExportOptions options, Action<RunWarning> warn)
    {
        Check(config, options);
        Native.LibTorch.Load();
        CheckpointArchive archive = Evaluator.OpenArchive(path, choice, warn);
        CheckpointRecorder.CheckModel(archive, TaskCatalog.IdentityOf(config));
        return new ModelExporter(config, archive, options);
    }

    /// <summary>Writes the file.</summary>
    /// <exception cref="RunException">The disk refuses, or what ONNX Runtime computes differs from the network by more than <see cref="Tolerance"/>: then there is no file.</exception>
    public ModelExported Run()
    {
        Stopwatch watch = Stopwatch.StartNew();
        set_num_threads(_config.Threads ?? Environment.ProcessorCount);
        using IDisposable noGrad = no_grad();
        using nn.Module model = _task.CreateModel(seed: 0);
        EvaluatedWeights.Load(model, _archive);
        model.eval();
        double? difference = null;
        byte[]? onnx = null;
        if (_options.Format == ExportFormat.Onnx)
        {
            onnx = Onnx(model);
            difference = Compare(model, onnx);
        }

        string path = Path.GetFullPath(_options.Path);
        ResultFile.DeleteLeftovers(Path.GetDirectoryName(path)!);
        using ResultFile file = new(path);
        _unfinished = file;
        try
        {
            if (onnx is not null)
                file.Stream.Write(onnx);
            else
                SafeTensorsWriter.Write(file.Stream, [.. model.state_dict().Select(HostTensorOf)], Metadata);
            long bytes = file.Stream.Length;
            file.Complete();
            return new ModelExported(
                Checkpoint.Path, Checkpoint.Manifest.CompletedEpoch, path, _options.Format == ExportFormat.Onnx ? "onnx" : "safetensors", _config.Model.Name,
                model.parameters().Sum(parameter => parameter.numel()), bytes, onnx is null ? null : _options.Opset, onnx is null ? null : [.. InputShape], difference, watch.Elapsed.TotalSeconds);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw ResultFile.Refused(path, refused);
        }
    }

    /// <summary>Deletes what is half written, for a process that ends at once.</summary>
    public void DiscardUnfinished() => _unfinished?.Abandon();

    // What a reader needs to build the network again; "pt" is what PyTorch's own readers look for.
    private Dictionary<string, string> Metadata => _config.Model.ClassNames is { } names
        ? new(NetworkMetadata) { ["class_names"] = JsonSerializer.Serialize(names) }
        : NetworkMetadata;

    private Dictionary<string, string> NetworkMetadata => new()
    {
        ["format"] = "pt",
        ["model"] = _config.Model.Name,
        ["in_channels"] = _config.Model.InChannels.ToString(CultureInfo.InvariantCulture),
        ["classes"] = _config.Model.Classes.ToString(CultureInfo.InvariantCulture),
        ["base_channels"] = _config.Model.BaseChannels.ToString(CultureInfo.InvariantCulture),
        ["mean"] = string.Join(',', _config.Data.Mean.Select(value => value.ToString("R", CultureInfo.InvariantCulture))),
        ["std"] = string.Join(',', _config.Data.Std.Select(value => value.ToString("R", CultureInfo.InvariantCulture))),
    };

    private IEnumerable<string> InputShape =>
        [Side(_options.Batch, "batch"), _config.Model.InChannels.ToString(CultureInfo.InvariantCulture), Side(_options.Height, "height"), Side(_options.Width, "width")];

    private static string Side(int? given, string open) => given?.ToString(CultureInfo.InvariantCulture) ?? open;

    private static void Check(TrainingConfig config, ExportOptions options)
    {
        bool isOnnx = options.Format == ExportFormat.Onnx;
        (string Option, int? Value)[] sides = [("--batch", options.Batch), ("--height", options.Height), ("--width", options.Width)];
        if (!isOnnx && sides.FirstOrDefault(side => side.Value is not null).Option is { } useless)
            throw Invalid(useless, "is given, but safetensors holds weights only, which are of no size; leave it out, or take --format onnx");
        if (options.Opset is < OnnxGraph.OldestOpset or > OnnxGraph.NewestOpset)
            throw Invalid("--opset", $"is {options.Opset}, but must be from {OnnxGraph.OldestOpset} to {OnnxGraph.NewestOpset}");
        if (sides.FirstOrDefault(side => side.Value is < 1 or > 65536) is { Value: int wrong } found)
            throw Invalid(found.Option, $"is {wrong}, but must be from 1 to 65536");
        ITrainingTask task = TaskCatalog.Of(config);
        if (isOnnx && options is { Height: int height, Width: int width } && task.PaddedSize(height, width) != (height, width))
            throw Invalid("--height", $"is {height} and --width {width}, but the model {config.Model.Name} takes images whose sides divide by {task.Stride}");
        string path = WritablePath.Full(options.Path);
        if (Directory.Exists(path))
            throw new RunException(ExitCode.Configuration, "OutputPathIsFolder", $"The output path '{path}' is a folder; a file is expected.", path);
        if (!options.Overwrite && File.Exists(path))
            throw new RunException(ExitCode.Configuration, "OutputExists", $"The file '{path}' is there already; --force overwrites it.", path);

        static RunException Invalid(string option, string problem) => new(ExitCode.Configuration, "ExportOptionInvalid", $"{option} {problem}.", option);
    }

    private static HostTensor HostTensorOf(KeyValuePair<string, Tensor> named)
    {
        using Tensor dense = named.Value.detach().contiguous();
        return new HostTensor(named.Key, ElementFormats.FormatOf(dense.dtype), dense.shape, dense.bytes.ToArray());
    }

    private byte[] Onnx(nn.Module model)
    {
        OnnxGraph graph = new(model);
        _task.Describe(model, graph, [.. InputShape]);
        return graph.WeightBytes <= LargestOnnx
            ? graph.ToBytes(_config.Model.Name, _options.Opset, Metadata)
            : throw new RunException(ExitCode.Configuration, "OnnxTooLarge", $"The network's weights have {graph.WeightBytes} bytes, but a file of ONNX holds at most {LargestOnnx}; --format safetensors takes them.");
    }

    // Where sizes are open, of an even and of an odd one, and of several images.
    private double Compare(nn.Module model, byte[] onnx)
    {
        using OnnxCheck check = new(onnx, _config.Threads ?? Environment.ProcessorCount);
        using Generator generator = new(1);
        double largest = 0;

        // Pixels as the network takes them: normalised, or as they are where it gives pixels again.
        (double range, double least) = _task.Prediction is PredictionForm.Image ? (1, 0) : (4, -2);
        foreach ((int batch, int height, int width) in ((int, int, int)[])[(1, 64, 96), (2, 53, 37)])
        {
            using IDisposable scope = NewDisposeScope();
            (int Height, int Width) size = _task.PaddedSize(_options.Height ?? height, _options.Width ?? width);
            long[] shape = [_options.Batch ?? batch, _config.Model.InChannels, _options.Height ?? size.Height, _options.Width ?? size.Width];
            Dictionary<string, Tensor> inputs = _task.Fields.Where(field => field.Input is not null)
                .ToDictionary(field => field.Name, _ => (rand(shape, generator: generator) * range) + least);
            using BatchTensors images = BatchTensors.Of(inputs.Select(input => KeyValuePair.Create(input.Key, input.Value.alias())));
            largest = Math.Max(largest, check.LargestDifference(inputs, _task.Forward(model, images)));
        }

        return largest <= Tolerance
            ? largest
            : throw new RunException(
                ExitCode.Unexpected, "OnnxNotEqual",
                string.Create(CultureInfo.InvariantCulture, $"The exported network differs from {Checkpoint.Path} by up to {largest:0.0e+0} when ONNX Runtime computes it, but at most {Tolerance:0.0e+0} is expected; no file was written."), Checkpoint.Path);
    }
}

/// <summary>What is written of a network, and where to.</summary>
public sealed record ExportOptions
{
    /// <summary>The version of ONNX's operator set where nothing else is said.</summary>
    public const int DefaultOpset = 17;

    /// <summary>The file.</summary>
    public required string Path { get; init; }

    /// <summary>Its format.</summary>
    public required ExportFormat Format { get; init; }

    /// <summary>The version of ONNX's operator set.</summary>
    public int Opset { get; init; } = DefaultOpset;

    /// <summary>The images of a batch; null leaves it open.</summary>
    public int? Batch { get; init; }

    /// <summary>The rows of an image; null leaves them open.</summary>
    public int? Height { get; init; }

    /// <summary>The columns of an image; null leaves them open.</summary>
    public int? Width { get; init; }

    /// <summary>Whether a file that is there is overwritten.</summary>
    public bool Overwrite { get; init; }
}

/// <summary>The formats in which a network can be taken away.</summary>
public enum ExportFormat
{
    /// <summary>The weights, under the names of the public network.</summary>
    SafeTensors,

    /// <summary>The network, with its weights.</summary>
    Onnx,
}
