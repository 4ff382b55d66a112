using System.Runtime.InteropServices;
using RobustTrain.Data;
using RobustTrain.Runs;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Onnx;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks.OwnNetworks;

/// <summary>
/// A network that is in no catalogue of ours: it takes a task's inputs in their order, each N x C x H x W, and gives one tensor: logits
/// N x K x H x W for a class of each pixel, N x K for a class of each image, or N x C x sH x sW for another image.
/// </summary>
/// <param name="Name">What errors call it, for example <c>The network in 'net.pt'</c>.</param>
/// <param name="Create">Makes it on the CPU, in training mode, its weights a pure function of the seed.</param>
/// <param name="Stride">The multiple to which the sides of images are padded, where nothing else fits them.</param>
internal sealed record OwnNetwork(string Name, Func<long, nn.Module> Create, int Stride);

/// <summary>A task with a network of the user's own.</summary>
/// <param name="inner">The task.</param>
/// <param name="config">Its configuration.</param>
/// <param name="network">The network.</param>
internal sealed class OwnNetworkTask(ITrainingTask inner, TrainingConfig config, OwnNetwork network) : DelegatingTask(inner)
{
    private readonly SampleField[] _inputs = [.. inner.Fields.Where(field => field.Input is not null)];

    /// <inheritdoc/>
    public override int Stride => network.Stride;

    /// <inheritdoc/>
    public override nn.Module CreateModel(long seed) => network.Create(seed);

    /// <inheritdoc/>
    public override Tensor Forward(nn.Module model, BatchTensors batch) => Call(model, [.. _inputs.Select(input => batch[input.Name])]);

    /// <inheritdoc/>
    public override (int Height, int Width) PaddedSize(int height, int width) => ImageSides.Padded(height, width, network.Stride);

    /// <inheritdoc/>
    public override void CheckNetwork(IDataset dataset)
    {
        using nn.Module model = network.Create(0);
        using IDisposable noGrad = no_grad();
        using IDisposable scope = NewDisposeScope();
        model.eval();
        long[][] taken = [.. _inputs.Select(input => (long[])[1, .. dataset.Fields.First(field => field.Name == input.Name).Shape.Select(side => (long)side)])];
        long[] expected = Expected(taken[0]);
        string batches = taken.Length == 2 ? "two image batches" : "an image batch";
        Tensor output;
        try
        {
            output = Call(model, [.. taken.Select(shape => zeros(shape))]);
        }
        catch (InvalidCastException other)
        {
            throw Unfit($"gives something else than one tensor for {batches} of [{Sides(taken[0])}]; {TaskWords} expects [{Sides(expected)}]", other);
        }
        catch (ExternalException refused)
        {
            throw Unfit($"can't take {batches} of [{Sides(taken[0])}], as {TaskWords} with model.in_channels {config.Model.InChannels} gives it: {ScriptedNetwork.ReasonOf(refused)}", refused);
        }

        if (!output.shape.SequenceEqual(expected))
            throw Unfit($"gives [{Sides(output.shape)}] for {batches} of [{Sides(taken[0])}], but {TaskWords} with {Size} expects [{Sides(expected)}]");
        if (output.dtype != ScalarType.Float32)
            throw Unfit($"gives {output.dtype}, but {TaskWords} expects Float32");
    }

    /// <inheritdoc/>
    public override void Describe(nn.Module model, OnnxGraph graph, IReadOnlyList<string> shape) => throw new RunException(
        ExitCode.Configuration, "OnnxNetworkUnknown", $"{network.Name} is not known in ONNX's operators; --format safetensors takes its weights.");

    private string TaskWords => config.Task.Replace('-', ' ');

    private string Size => Prediction switch
    {
        PredictionForm.ClassMap classes => $"model.classes {classes.ClassCount}",
        PredictionForm.Image image => $"a scale of {image.Scale}",
        PredictionForm.Label label => $"{label.ClassNames.Count} classes",
        _ => throw new ArgumentOutOfRangeException(nameof(Prediction), Prediction, "This form of a prediction has no size."),
    };

    private long[] Expected(long[] input) => Prediction switch
    {
        PredictionForm.ClassMap classes => [1, classes.ClassCount, .. input[2..]],
        PredictionForm.Image image => [1, input[1], .. input[2..].Select(side => side * image.Scale)],
        PredictionForm.Label label => [1, label.ClassNames.Count],
        _ => throw new ArgumentOutOfRangeException(nameof(Prediction), Prediction, "This form of a prediction has no shape."),
    };

    private Tensor Call(nn.Module model, IReadOnlyList<Tensor> inputs) => (model, inputs) switch
    {
        (ScriptedNetwork script, _) => script.Call(inputs),
        (nn.Module<Tensor, Tensor> one, [Tensor image]) => one.call(image),
        (nn.Module<Tensor, Tensor, Tensor> two, [Tensor first, Tensor second]) => two.call(first, second),
        _ => throw Unfit($"takes other inputs than {TaskWords} has: {string.Join(" and ", _inputs.Select(input => input.Input))}"),
    };

    private static string Sides(long[] shape) => string.Join(", ", shape);

    private RunException Unfit(string problem, Exception? cause = null) =>
        new(ExitCode.Configuration, "ModelFileUnfit", $"{network.Name} {problem}.", config.Model.Path ?? config.Model.Name, cause);
}
