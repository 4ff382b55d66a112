using static TorchSharp.torch;

namespace RobustTrain.Training.Models;

/// <summary>
/// A network that compares two images of one place: <c>forward(image1, image2)</c> takes two float tensors N x C x H x W
/// and returns logits N x K x H x W, one channel a class, not normalised.
/// </summary>
/// <param name="name">The model's name in the configuration.</param>
public abstract class ChangeDetectionModel(string name) : nn.Module<Tensor, Tensor, Tensor>(name)
{
    /// <summary>
    /// Sets every learned value anew, as a pure function of <paramref name="seed"/> and of the parameter's name:
    /// neither torch's global generator nor the order of construction has a part in it.
    /// </summary>
    internal abstract void InitializeWeights(long seed);
}
