using System.Security.Cryptography;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Checkpoints.Digests;
using RobustTrain.Training.Checkpoints.SafeTensors;

namespace RobustTrain.Tests.Training;

public sealed class CheckpointDraftTests
{
    private readonly List<(string Name, ElementFormat Format, byte[] Bytes)> _tensors =
    [
        ("narrow", ElementFormat.U8, RandomNumberGenerator.GetBytes(4099)),
        ("wide", ElementFormat.F32, RandomNumberGenerator.GetBytes(40_000)),
        ("large", ElementFormat.F32, RandomNumberGenerator.GetBytes(6 << 20)),
    ];

    private readonly CheckpointDraft _draft = new();

    [Fact]
    public void A_file_lies_in_memory_as_it_will_on_disk_and_on_its_blocks()
    {
        FileContent content = Fill();
        int header = (int)content.Length - _tensors.Sum(tensor => tensor.Bytes.Length);
        Assert.Equal(Expected(), Read(content, header, (int)content.Length - header, out bool isGathered));
        Assert.False(isGathered);

        int block = (header + AlignedMemory.BlockBytes) / AlignedMemory.BlockBytes * AlignedMemory.BlockBytes;
        Assert.True(AlignedMemory.IsBlocks(content.Read(block, new byte[1 << 20])));
    }

    [Fact]
    public void The_memory_is_used_again()
    {
        ReadOnlySpan<byte> first = Fill().Read(5000, new byte[100]);
        _tensors[2].Bytes[0] ^= 1;
        Assert.True(first.Overlaps(Fill().Read(5000, new byte[100])));
    }

    // As an optimiser's do, whose buffers come with its first step.
    [Fact]
    public void Tensors_that_come_or_change_later_are_held_too_and_find_their_place_the_next_time()
    {
        Fill();
        _tensors.Add(("late", ElementFormat.I64, RandomNumberGenerator.GetBytes(8000)));
        _tensors[1] = ("wide", ElementFormat.F32, RandomNumberGenerator.GetBytes(48_000));
        FileContent content = Fill();
        int bytes = _tensors.Sum(tensor => tensor.Bytes.Length);
        Assert.Equal(Expected(), Read(content, content.Length - bytes, bytes, out bool isGathered));
        Assert.True(isGathered);

        content = Fill();
        Assert.Equal(Expected(), Read(content, content.Length - bytes, bytes, out isGathered));
        Assert.False(isGathered);
    }

    private FileContent Fill()
    {
        _draft.Fill([new Part(_tensors)]);
        return new FileContent(SafeTensorsWriter.Parts(_draft.Files["file"]));
    }

    // Wide elements first, else in the order in which they were saved.
    private byte[] Expected() => [.. _tensors.OrderByDescending(tensor => tensor.Format.SizeOf()).SelectMany(tensor => tensor.Bytes)];

    private static byte[] Read(FileContent content, long offset, int length, out bool isGathered)
    {
        byte[] memory = new byte[length];
        ReadOnlySpan<byte> read = content.Read(offset, memory);
        isGathered = read.Overlaps(memory);
        return read.ToArray();
    }

    private sealed class Part(List<(string Name, ElementFormat Format, byte[] Bytes)> tensors) : ICheckpointPart
    {
        public void Save(CheckpointDraft draft)
        {
            foreach ((string name, ElementFormat format, byte[] bytes) in tensors)
                draft.Add("file", name, format, [bytes.Length / format.SizeOf()], bytes);
        }

        public void Load(CheckpointArchive archive) => throw new NotSupportedException();
    }
}
