using System.ComponentModel;
using RobustTrain.Platform;

namespace RobustTrain.Tests.Platform;

public sealed unsafe class SharedMemoryTests
{
    [Fact]
    public void What_one_writes_the_other_reads()
    {
        using SharedMemory made = SharedMemory.Create("robusttrain-test", 8192);
        using SharedMemory shared = SharedMemory.Open(made.Path, 8192);
        Assert.Equal(0, shared.Start[8191]);
        made.Start[8191] = 42;
        Assert.Equal(42, shared.Start[8191]);
    }

    [Fact]
    public void A_size_that_cannot_be_is_refused_when_it_is_made() =>
        Assert.Throws<Win32Exception>(() => SharedMemory.Create("robusttrain-test", -1));
}
