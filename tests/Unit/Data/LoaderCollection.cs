namespace RobustTrain.Tests.Data;

/// <summary>Tests that count this process's threads and children, and so run one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class LoaderCollection
{
    public const string Name = "loader";
}
