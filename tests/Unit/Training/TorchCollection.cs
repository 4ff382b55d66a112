namespace RobustTrain.Tests.Training;

/// <summary>Tests that draw from torch's one generator, or set its one thread count: each runs while no other test does.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class TorchCollection
{
    public const string Name = "torch";
}
