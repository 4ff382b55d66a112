using System.Runtime.InteropServices;
using RobustTrain.Runs;
using RobustTrain.Training.Native;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks.OwnNetworks;

/// <summary>
/// A network of the user's own, as TorchScript that Python has saved (torch.jit.script or trace, then save): forward takes the inputs of its task.
/// It begins with the weights of its file, and is trained, saved and scored under the names of its parameters and buffers.
/// </summary>
public sealed class ScriptedNetwork : nn.Module
{
    // How often it halves an image is not known; this is what most networks can be given.
    private const int Stride = 16;

    private readonly nn.Module _script;
    private readonly Func<IReadOnlyList<Tensor>, Tensor> _call;

    private ScriptedNetwork(nn.Module script, Func<IReadOnlyList<Tensor>, Tensor> call)
        : base("torchscript")
    {
        _script = script;
        _call = call;
        foreach ((string name, Parameter parameter) in script.named_parameters())
            register_parameter(name, parameter);
        foreach ((string name, Tensor buffer) in script.named_buffers())
            register_buffer(name, buffer);
    }

    /// <summary>The network in a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="inputs">How many batches of images it takes, 1 or 2.</param>
    internal static OwnNetwork Of(string path, int inputs) => new($"The network in '{path}'", _ => Load(path, inputs), Stride);

    /// <summary>What it gives for its inputs.</summary>
    internal Tensor Call(IReadOnlyList<Tensor> inputs) => _call(inputs);

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

    /// <summary>Loads a file, whose weights it begins with.</summary>
    /// <param name="file">The file.</param>
    /// <param name="inputs">How many batches of images it takes, 1 or 2.</param>
    /// <exception cref="RunException">There is none, or it can't be loaded.</exception>
    internal static ScriptedNetwork Load(string file, int inputs)
    {
        string path = Path.GetFullPath(file);
        if (!File.Exists(path))
            throw NotFound(path);
        LibTorch.Load();
        ScriptExecution.MakeRepeatable();
        try
        {
            if (inputs == 1)
            {
                jit.ScriptModule<Tensor, Tensor> one = jit.load<Tensor, Tensor>(path);
                return new ScriptedNetwork(one, images => one.call(images[0]));
            }

            jit.ScriptModule<Tensor, Tensor, Tensor> two = jit.load<Tensor, Tensor, Tensor>(path);
            return new ScriptedNetwork(two, images => two.call(images[0], images[1]));
        }
        catch (ExternalException damaged)
        {
            throw new RunException(ExitCode.Configuration, "ModelFileNotUsable", $"The TorchScript file '{path}' can't be loaded: {ReasonOf(damaged)}.", path, damaged);
        }
    }

    // libtorch explains over many lines; what a script itself threw stands in the last of them.
    internal static string ReasonOf(Exception exception)
    {
        const string thrown = "RuntimeError: ";
        string[] lines = exception.Message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return (lines.LastOrDefault(line => line.StartsWith(thrown, StringComparison.Ordinal))?[thrown.Length..] ?? lines[0]).TrimEnd('.');
    }

    private static RunException NotFound(string path) => new(
        ExitCode.Configuration, "ModelFileNotFound", $"model.path is '{path}', but there is no such file; a TorchScript file is expected, as torch.jit.save writes it.", path);
}
