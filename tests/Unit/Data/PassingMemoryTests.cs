using RobustTrain.Data;

namespace RobustTrain.Tests.Data;

public sealed unsafe class PassingMemoryTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4097)]
    [InlineData((6 << 20) + 1)]
    public void All_of_it_can_be_written_and_it_begins_with_a_page(int bytes)
    {
        PassingMemory memory = new((nuint)bytes);
        new Span<byte>(memory.Start, bytes).Fill(7);
        Assert.Equal(0, (nint)memory.Start % Environment.SystemPageSize);
        Assert.Equal(-1, new Span<byte>(memory.Start, bytes).IndexOfAnyExcept((byte)7));
        memory.Dispose();
        memory.Dispose();
        Assert.True(memory.Start is null);
    }
}
