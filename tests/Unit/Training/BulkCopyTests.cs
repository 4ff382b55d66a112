using System.Security.Cryptography;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Checkpoints.SafeTensors;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training;

[Collection(TorchCollection.Name)]
public sealed class BulkCopyTests
{
    private const int Margin = 100;

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Every_byte_arrives_wherever_it_goes_and_none_beside_it(int threads)
    {
        // From less than a vector to more than two pieces, to places on and off a vector's.
        var copy = new BulkCopy(threads);
        var expected = new List<byte[]>();
        var places = new List<byte[]>();
        foreach (int length in (int[])[0, 1, 31, 32, 33, 4 << 20, (4 << 20) + 1, (9 << 20) + 77])
        {
            foreach (int offset in (int[])[0, 1, 31])
            {
                byte[] bytes = RandomNumberGenerator.GetBytes(length);
                using (Tensor tensor = TensorOf(bytes))
                    copy.Add(tensor, Place(length, offset));
                expected.Add([.. Enumerable.Repeat((byte)7, Margin + offset), .. bytes, .. Enumerable.Repeat((byte)7, Margin)]);
            }
        }

        copy.Run();
        Assert.All(expected.Zip(places), pair => Assert.True(pair.First.AsSpan().SequenceEqual(pair.Second)));

        Memory<byte> Place(int length, int offset)
        {
            byte[] place = new byte[Margin + offset + length + Margin];
            place.AsSpan().Fill(7);
            places.Add(place);
            return place.AsMemory(Margin + offset, length);
        }
    }

    [Fact]
    public void A_draft_holds_large_tensors_that_are_gone_before_it_is_filled()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(3 << 20);
        var draft = new CheckpointDraft(threads: 2);
        for (int time = 0; time < 3; time++)
        {
            bytes[0]++;
            draft.Fill([new Passing(bytes)]);
            HostTensor held = Assert.Single(draft.Files["file"]);
            Assert.True(held.Data.Span.SequenceEqual(bytes));
        }
    }

    private static Tensor TensorOf(byte[] bytes)
    {
        Tensor tensor = empty([bytes.Length], ScalarType.Byte);
        tensor.bytes = bytes;
        return tensor;
    }

    /// <summary>Saves a tensor that it disposes of at once.</summary>
    private sealed class Passing(byte[] bytes) : ICheckpointPart
    {
        public void Save(CheckpointDraft draft)
        {
            using Tensor tensor = TensorOf(bytes);
            draft.Add("file", "tensor", tensor);
        }

        public void Load(CheckpointArchive archive) => throw new NotSupportedException();
    }
}
