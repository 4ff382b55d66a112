using System.Buffers.Binary;
using System.Text;
using Google.Protobuf;
using RobustTrain.Runs.Events;
using RobustTrain.Training.TensorBoard;

namespace RobustTrain.Tests.Host;

public sealed class TensorBoardTests : IDisposable
{
    private static readonly DateTimeOffset s_time = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_500);
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _warnings = [];

    public void Dispose() => _folder.Dispose();

    [Theory]
    // RFC 3720, appendix B.4: CRC-32C of 32 zeros, 32 ones, and 0 to 31; then masked as TensorFlow does.
    [InlineData(0x8a9136aau, 0, 0)]
    [InlineData(0x62a8ab43u, 255, 0)]
    [InlineData(0x46dd794eu, 0, 1)]
    public void The_checksum_is_that_of_the_RFC(uint crc, byte first, byte increment)
    {
        byte[] bytes = [.. Enumerable.Range(0, 32).Select(index => (byte)(first + (index * increment)))];

        Assert.Equal(((crc >> 15) | (crc << 17)) + 0xa282ead8, MaskedCrc32C.Of(bytes));
    }

    [Fact]
    public void Steps_epochs_and_the_test_are_scalars_that_a_reader_finds()
    {
        using (TensorBoardJournal journal = new(_folder.At("tensorboard"), _warnings.Add))
        {
            journal.Write(new RunStarted("id", "/r", 1, 2, 3, null) { Time = s_time });
            journal.Write(new StepFinished(0, 1, 1, 0.5, 0.25, 64, 0.125) { Time = s_time });
            journal.Write(new EpochFinished(0, 0.75, new Dictionary<string, double> { ["f1"] = 0.5 }, true, 0.25, 64, 0.125, 2) { Time = s_time });
            journal.Write(new TestFinished(0, new Dictionary<string, double> { ["f1"] = 0.875 }) { Time = s_time });
        }

        string file = Assert.Single(Directory.EnumerateFiles(_folder.At("tensorboard")));
        Assert.StartsWith("events.out.tfevents.1700000000.", Path.GetFileName(file), StringComparison.Ordinal);
        List<Event> events = [.. Read(file)];
        Assert.Equal("brain.Event:2", events[0].FileVersion);
        Assert.All(events, one => Assert.Equal(1_700_000_000.5, one.WallTime));
        Assert.Equal(
            new Dictionary<string, (long, float)>
            {
                ["train/loss"] = (1, 0.5f),
                ["train/learning_rate"] = (1, 0.25f),
                ["train/samples_per_second"] = (1, 64),
                ["train/data_wait_share"] = (1, 0.125f),
                ["epoch/train_loss"] = (0, 0.75f),
                ["epoch/duration_seconds"] = (0, 2),
                ["val/f1"] = (0, 0.5f),
                ["test/f1"] = (0, 0.875f),
            },
            events.SelectMany(one => one.Scalars.Select(scalar => (scalar.Key, Value: (one.Step, scalar.Value)))).ToDictionary(pair => pair.Key, pair => pair.Value));
        Assert.DoesNotContain(events, one => one.IsSessionStart);
        Assert.Empty(_warnings);
    }

    [Fact]
    public void A_run_that_goes_on_voids_what_an_earlier_process_wrote_beyond()
    {
        using (TensorBoardJournal journal = new(_folder.At("tensorboard"), _warnings.Add))
        {
            journal.Write(new RunStarted("id", "/r", 1, 2, 3, ResumedFromEpoch: 0) { Time = s_time });
            journal.Write(new StepFinished(1, 0, 3, 0.5, 0.25, 64, 0.125) { Time = s_time });
            journal.Write(new StepFinished(1, 1, 4, 0.5, 0.25, 64, 0.125) { Time = s_time });
        }

        Event restart = Assert.Single(Read(Directory.EnumerateFiles(_folder.At("tensorboard")).Single()), one => one.IsSessionStart);
        Assert.Equal(3, restart.Step);
    }

    [Fact]
    public void A_disk_that_refuses_ends_the_curves_with_one_warning_and_throws_nothing()
    {
        File.WriteAllText(_folder.At("tensorboard"), "a file where the folder should be");
        using TensorBoardJournal journal = new(_folder.At("tensorboard"), _warnings.Add);

        journal.Write(new StepFinished(1, 0, 3, 0.5, 0.25, 64, 0.125) { Time = s_time });
        journal.Write(new StepFinished(1, 1, 4, 0.5, 0.25, 64, 0.125) { Time = s_time });

        Assert.StartsWith("TensorBoard's curves end here", Assert.Single(_warnings), StringComparison.Ordinal);
    }

    private sealed record Event(double WallTime, long Step, string? FileVersion, Dictionary<string, float> Scalars, bool IsSessionStart);

    // An independent reader of TensorFlow's records that checks both checksums of each.
    private static IEnumerable<Event> Read(string file)
    {
        byte[] bytes = File.ReadAllBytes(file);
        int at = 0;
        while (at < bytes.Length)
        {
            int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at));
            Assert.Equal(Masked(bytes.AsSpan(at, 8)), BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 8)));
            byte[] content = bytes[(at + 12)..(at + 12 + length)];
            Assert.Equal(Masked(content), BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 12 + length)));
            yield return ReadEvent(content);
            at += 16 + length;
        }
    }

    // Bit by bit, by the definition of the polynomial.
    private static uint Masked(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ 0x82f63b78;
        }

        crc = ~crc;
        return ((crc >> 15) | (crc << 17)) + 0xa282ead8;
    }

    private static Event ReadEvent(byte[] content)
    {
        Event result = new(0, 0, null, [], false);
        CodedInputStream message = new(content);
        uint tag;
        while ((tag = message.ReadTag()) != 0)
        {
            switch (WireFormat.GetTagFieldNumber(tag))
            {
                case 1:
                    result = result with { WallTime = message.ReadDouble() };
                    break;
                case 2:
                    result = result with { Step = message.ReadInt64() };
                    break;
                case 3:
                    result = result with { FileVersion = message.ReadString() };
                    break;
                case 5:
                    ReadSummary(message.ReadBytes().ToByteArray(), result.Scalars);
                    break;
                case 7:
                    result = result with { IsSessionStart = message.ReadBytes().Span.SequenceEqual((byte[])[8, 1]) };
                    break;
                default:
                    Assert.Fail($"The field {WireFormat.GetTagFieldNumber(tag)} is not expected.");
                    break;
            }
        }

        return result;
    }

    private static void ReadSummary(byte[] content, Dictionary<string, float> scalars)
    {
        CodedInputStream summary = new(content);
        while (summary.ReadTag() != 0)
        {
            CodedInputStream value = new(summary.ReadBytes().ToByteArray());
            Assert.Equal(WireFormat.MakeTag(1, WireFormat.WireType.LengthDelimited), value.ReadTag());
            string tag = value.ReadString();
            Assert.Equal(WireFormat.MakeTag(2, WireFormat.WireType.Fixed32), value.ReadTag());
            scalars.Add(tag, value.ReadFloat());
        }
    }
}
