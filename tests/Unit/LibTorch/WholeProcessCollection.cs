namespace RobustTrain.Tests.LibTorch;

/// <summary>Tests that look at or change what the whole process shares (tensor counts, seeds, threads): one after another, beside no others.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class WholeProcessCollection
{
    public const string Name = "libtorch, whole process";
}
