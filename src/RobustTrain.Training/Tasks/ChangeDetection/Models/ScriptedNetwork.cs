using System.Runtime.InteropServices;
using RobustTrain.Runs;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Native;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks.ChangeDetection.Models;

/// <summary>
/// A network of the user's own, as TorchScript that Python has saved (torch.jit.script or trace, then save): forward(image1, image2).
/// It begins with the weights of its file, and is trained, saved and scored under the names of its parameters and buffers.
/// </summary>
public sealed class ScriptedNetwork : ChangeDetectionModel
{
    private const string ModelName = "torchscript";

    // How often it halves an image is not known; this is what most networks can be given.
    private const int Stride = 16;

    private readonly jit.ScriptModule<Tensor, Tensor, Tensor> _script;

    private ScriptedNetwork(jit.ScriptModule<Tensor, Tensor, Tensor> script)
        : base(ModelName)
    {
        _script = script;
        foreach ((string name, Parameter parameter) in script.named_parameters())
            register_parameter(name, parameter);
        foreach ((string name, Tensor buffer) in script.named_buffers())
            register_buffer(name, buffer);
    }

    /// <summary>What the catalogue knows of a configuration's file.</summary>
    internal static ModelDefinition Definition { get; } = new(
        ModelName, Load, _ => null, (height, width) => height % Stride == 0 && width % Stride == 0 ? null : $"its sides are padded to multiples of {Stride}", Stride);

    /// <summary>Checks that the network takes images of a size, and gives a logit for each class and pixel.</summary>
    /// <exception cref="RunException">It can't be loaded, or it does something else.</exception>
    internal static void Check(ModelConfig config, int height, int width)
    {
        using ScriptedNetwork network = Load(config);
        using IDisposable noGrad = no_grad();
        using IDisposable scope = NewDisposeScope();
        network.eval();
        long[] taken = [1, config.InChannels, height, width];
        long[] expected = [1, config.Classes, height, width];
        Tensor output;
        try
        {
            output = network.call(zeros(taken), zeros(taken));
        }
        catch (InvalidCastException other)
        {
            throw Unfit(config, $"gives something else than one tensor for two image batches of [{Sides(taken)}]; change detection expects [{Sides(expected)}]", other);
        }
        catch (ExternalException refused)
        {
            throw Unfit(config, $"can't take two image batches of [{Sides(taken)}], as change detection with model.in_channels {config.InChannels} gives it: {ReasonOf(refused)}", refused);
        }

        if (!output.shape.SequenceEqual(expected))
            throw Unfit(config, $"gives [{Sides(output.shape)}] for two image batches of [{Sides(taken)}], but change detection with model.classes {config.Classes} expects [{Sides(expected)}]");
        if (output.dtype != ScalarType.Float32)
            throw Unfit(config, $"gives {output.dtype}, but change detection expects Float32");
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor image1, Tensor image2) => _script.call(image1, image2);

    /// <inheritdoc/>
    public override void train(bool on = true)
    {
        base.train(on);
        _script.train(on);
    }

    /// <inheritdoc/>
    public override void eval()
    {
        base.eval();
        _script.eval();
    }

    /// <summary>As they are now: a script may put another tensor in a buffer's place, as that of older versions does where batches are counted.</summary>
    public override Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null)
    {
        Dictionary<string, Tensor> state = base.state_dict(destination, prefix);
        foreach ((string name, Tensor buffer) in _script.named_buffers())
            state[$"{prefix}{name}"] = buffer;
        return state;
    }

    /// <summary>Leaves the weights as the file has them.</summary>
    internal override void InitializeWeights(long seed)
    {
    }

    /// <summary>Stays on the CPU: TorchSharp moves a script's weights by making others, which a learner would not know.</summary>
    /// <exception cref="RunException">Another device is asked for.</exception>
    protected override nn.Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) => deviceType == DeviceType.CPU
        ? this
        : throw new RunException(ExitCode.Configuration, "ModelFileOnCpuOnly", "model.path is given, whose network can be trained on the CPU only; set device: cpu.", "device");

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
            _script.Dispose();
    }

    private static ScriptedNetwork Load(ModelConfig config)
    {
        string path = Path.GetFullPath(config.Path!);
        if (!File.Exists(path))
            throw NotFound(path);
        LibTorch.Load();
        ScriptExecution.MakeRepeatable();
        try
        {
            return new ScriptedNetwork(jit.load<Tensor, Tensor, Tensor>(path));
        }
        catch (ExternalException damaged)
        {
            throw new RunException(ExitCode.Configuration, "ModelFileNotUsable", $"The TorchScript file '{path}' can't be loaded: {ReasonOf(damaged)}.", path, damaged);
        }
    }

    // libtorch explains over many lines; what a script itself threw stands in the last of them.
    private static string ReasonOf(Exception exception)
    {
        const string thrown = "RuntimeError: ";
        string[] lines = exception.Message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return (lines.LastOrDefault(line => line.StartsWith(thrown, StringComparison.Ordinal))?[thrown.Length..] ?? lines[0]).TrimEnd('.');
    }

    private static string Sides(long[] shape) => string.Join(", ", shape);

    private static RunException NotFound(string path) => new(
        ExitCode.Configuration, "ModelFileNotFound", $"model.path is '{path}', but there is no such file; a TorchScript file is expected, as torch.jit.save writes it.", path);

    private static RunException Unfit(ModelConfig config, string problem, Exception? cause = null) =>
        new(ExitCode.Configuration, "ModelFileUnfit", $"The network in '{config.Path}' {problem}.", config.Path, cause);
}
