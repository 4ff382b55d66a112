using RobustTrain.Runs.Configuration;

namespace RobustTrain.Training.Checkpoints;

/// <summary>What makes the weights of two networks interchangeable.</summary>
/// <param name="Name">The architecture.</param>
/// <param name="InChannels">Channels of one image.</param>
/// <param name="Classes">Classes of the label.</param>
/// <param name="BaseChannels">Channels of the first stage.</param>
public sealed record ModelIdentity(string Name, int InChannels, int Classes, int BaseChannels)
{
    /// <summary>The identity of the network that a configuration asks for.</summary>
    public static ModelIdentity Of(ModelConfig model) => new(model.Name, model.InChannels, model.Classes, model.BaseChannels);

    /// <summary>The identity as people read it.</summary>
    public override string ToString() => $"{Name} (in_channels {InChannels}, classes {Classes}, base_channels {BaseChannels})";
}
