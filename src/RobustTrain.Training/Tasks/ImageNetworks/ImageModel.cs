using RobustTrain.Training.Onnx;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks.ImageNetworks;

/// <summary>A network over single images: <c>forward(image)</c> takes a float tensor N x C x H x W and returns logits, not normalised.</summary>
/// <param name="name">The model's name in the configuration.</param>
internal abstract class ImageModel(string name) : nn.Module<Tensor, Tensor>(name), IOnnxLayer
{
    /// <summary>
    /// Sets every learned value anew, as a pure function of <paramref name="seed"/> and of the parameter's name:
    /// neither torch's global generator nor the order of construction has a part in it.
    /// </summary>
    public abstract void InitializeWeights(long seed);

    /// <summary>Says what the network does, in evaluation, in ONNX's operators.</summary>
    /// <param name="graph">Takes the operators and the weights.</param>
    /// <param name="image">The value of the images.</param>
    /// <returns>The value of the logits.</returns>
    public abstract string Describe(OnnxGraph graph, string image);
}

/// <summary>A convolution without bias and its batch normalisation; the modules belong to the network that registered them.</summary>
/// <param name="convolution">The convolution.</param>
/// <param name="norm">The normalisation.</param>
internal sealed class NormalizedConvolution(Conv2d convolution, BatchNorm2d norm)
{
    /// <summary>Registers both on a module, under the names that it is given.</summary>
    public static NormalizedConvolution On(nn.Module owner, string convolutionName, string normName, Conv2d convolution, long channels)
    {
        BatchNorm2d norm = nn.BatchNorm2d(channels);
        owner.register_module(convolutionName, convolution);
        owner.register_module(normName, norm);
        return new NormalizedConvolution(convolution, norm);
    }

    /// <summary>Convolves and normalises, and rectifies where that is asked.</summary>
    public Tensor Apply(Tensor input, bool rectifies)
    {
        using Tensor convolved = convolution.call(input);
        Tensor normalised = Normalize(norm, convolved);
        if (!rectifies)
            return normalised;
        using (normalised)
            return nn.functional.relu(normalised);
    }

    /// <summary>
    /// Batch normalisation; of a single value for each channel, which has no variance, by the running statistics, also in training: PyTorch refuses
    /// such a batch, for example the last of an epoch where it has one sample.
    /// </summary>
    public static Tensor Normalize(BatchNorm2d norm, Tensor features)
    {
        if (!norm.training || features.numel() != features.shape[1])
            return norm.call(features);
        norm.eval();
        try
        {
            return norm.call(features);
        }
        finally
        {
            norm.train();
        }
    }

    /// <summary>The same in ONNX's operators.</summary>
    public string Describe(OnnxGraph graph, string input, bool rectifies)
    {
        string normalised = graph.Layer(norm, graph.Layer(convolution, input));
        return rectifies ? graph.Add("Relu", [normalised]) : normalised;
    }
}
