using Xunit.Abstractions;

[assembly: TestCollectionOrderer("RobustTrain.Tests.LongestFirst", "RobustTrain.Tests.Unit")]

namespace RobustTrain.Tests;

/// <summary>Begins with the collections that take longest, so that none of them is left over for one thread at the end.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    // By measured time, longest first; a name that is missing here only costs time.
    private static readonly string[] s_long =
        ["loader", "FleetClusterTests", "EnvironmentTests", "TrainTests", "monitors, whose threads and children are counted", "CheckpointMomentsTests", "ModelParityTests", "SchedulerTests", "RunFolderTests"];

    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> testCollections) =>
        testCollections.OrderBy(collection => Array.FindIndex(s_long, name => collection.DisplayName.EndsWith(name, StringComparison.Ordinal)) is >= 0 and int place ? place : s_long.Length);
}
