using System.Globalization;
using RobustTrain.Training.Checkpoints.SafeTensors;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Tasks.ChangeDetection.Models;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training;

/// <summary>Weights go to Python through safetensors; that they come from there, each parity test shows.</summary>
public sealed class WeightExchangeTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"weights-{Guid.NewGuid():N}.safetensors");

    [PythonTorchTheory]
    [InlineData("fc-siam-diff")]
    [InlineData("fc-siam-conc")]
    [InlineData("hanet")]
    public void Weights_saved_here_give_the_same_logits_in_Python(string name)
    {
        using ChangeDetectionModel model = ModelCatalog.Networks.Create(new ModelConfig { Name = name, BaseChannels = 4 }, seed: 3);
        Tensor image1 = rand(1, 3, 32, 48);
        Tensor image2 = rand(1, 3, 32, 48);
        model.eval();
        using IDisposable noGrad = no_grad();
        Dictionary<string, Tensor> tensors = model.state_dict().ToDictionary(pair => "initial." + pair.Key, pair => pair.Value);
        (tensors["image1"], tensors["image2"], tensors["logits"]) = (image1, image2, model.call(image1, image2));
        using (FileStream file = File.Create(_path)) SafeTensorsWriter.Write(file, [.. tensors.Select(pair => Host(pair.Key, pair.Value))]);

        string answer = PythonTorchTheoryAttribute.Ask("compare_logits.py", name, _path);

        // Debian's Python computes with another version of libtorch.
        Assert.InRange(double.Parse(answer, CultureInfo.InvariantCulture), 0, 1e-4);
    }

    public void Dispose() => File.Delete(_path);

    private static HostTensor Host(string name, Tensor values)
    {
        using Tensor contiguous = values.contiguous();
        return new HostTensor(name, ElementFormats.FormatOf(values.dtype), values.shape, contiguous.bytes.ToArray());
    }
}
