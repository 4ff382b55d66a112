using System.Security.Cryptography;
using RobustTrain.Training.Checkpoints;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training;

[Collection(TorchCollection.Name)]
public sealed class CheckpointDraftTests
{
    private readonly List<(string Name, byte[] Bytes)> _tensors =
    [
        ("small", RandomNumberGenerator.GetBytes(4099)),
        ("large", RandomNumberGenerator.GetBytes(6 << 20)),
    ];

    private readonly CheckpointDraft _draft = new();

    [Fact]
    public void It_holds_tensors_that_are_gone_before_it_is_written()
    {
        for (int time = 0; time < 3; time++)
        {
            _tensors[1].Bytes[0]++;
            Fill();
            AssertHeld();
        }
    }

    [Fact]
    public void The_memory_is_used_again()
    {
        Fill();
        ReadOnlyMemory<byte> first = _draft.Files["file"][1].Data;
        _tensors[1].Bytes[0] ^= 1;
        Fill();
        Assert.True(first.Span.Overlaps(_draft.Files["file"][1].Data.Span));
        AssertHeld();
    }

    // As an optimiser's do, whose buffers come with its first step.
    [Fact]
    public void Tensors_that_come_or_change_later_are_held_too()
    {
        Fill();
        _tensors.Add(("late", RandomNumberGenerator.GetBytes(8000)));
        _tensors[0] = ("small", RandomNumberGenerator.GetBytes(48_000));
        Fill();
        AssertHeld();
    }

    private void Fill() => _draft.Fill([new Passing(_tensors)]);

    private void AssertHeld() => Assert.Equal(
        _tensors.Select(tensor => (tensor.Name, Convert.ToHexString(tensor.Bytes))),
        _draft.Files["file"].Select(held => (held.Name, Convert.ToHexString(held.Data.Span))));

    /// <summary>Saves tensors that it disposes of at once.</summary>
    private sealed class Passing(List<(string Name, byte[] Bytes)> tensors) : ICheckpointState
    {
        public void Save(CheckpointDraft draft)
        {
            foreach ((string name, byte[] bytes) in tensors)
            {
                using Tensor tensor = empty([bytes.Length], ScalarType.Byte);
                tensor.bytes = bytes;
                draft.Add("file", name, tensor);
            }
        }

        public void Load(CheckpointArchive archive) => throw new NotSupportedException();
    }
}
