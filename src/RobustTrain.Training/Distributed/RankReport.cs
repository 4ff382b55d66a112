using System.Collections;

namespace RobustTrain.Training.Distributed;

/// <summary>
/// What a rank says of a batch to the others, so that all take the same decisions: one message of a few hundred bytes, of the same length at all
/// ranks. What does not fit follows in a second one, where any rank has some (<see cref="NewsBytes"/>).
/// </summary>
/// <param name="shape">What there is of everything.</param>
internal sealed class RankReport(ReportShape shape)
{
    /// <summary>What became of the batch at the rank.</summary>
    public RankStatus Status { get; set; }

    /// <summary>The batch.</summary>
    public int Batch { get; set; }

    /// <summary>Whether the rank was asked to stop.</summary>
    public bool WantsStop { get; set; }

    /// <summary>Whether the rank was asked for a checkpoint.</summary>
    public bool WantsCheckpoint { get; set; }

    /// <summary>Whether autograd has named an operation that made a NaN.</summary>
    public bool HasNaNOperation { get; set; }

    /// <summary>The bytes of its news.</summary>
    public int NewsBytes { get; set; }

    /// <summary>Seconds that it waited for the batch.</summary>
    public double DataSeconds { get; set; }

    /// <summary>Seconds that it computed.</summary>
    public double ComputeSeconds { get; set; }

    /// <summary>Seconds that it has waited for other ranks since its last report.</summary>
    public double WaitSeconds { get; set; }

    /// <summary>The loss of each of its shards, by their shares of the step's samples.</summary>
    public double[] Losses { get; } = new double[shape.Shards];

    /// <summary>The samples of each of its shards.</summary>
    public int[] Samples { get; } = new int[shape.Shards];

    /// <summary>By how much its shards have raised the network's counters in the step so far, at most.</summary>
    public long[] Counters { get; } = new long[shape.Counters];

    /// <summary>Which parameters have got a gradient in the step so far.</summary>
    public BitArray Gradients { get; } = new(shape.Parameters);

    /// <summary>Which samples of its part of the batch are there.</summary>
    public BitArray Delivered { get; } = new(shape.Positions);

    /// <summary>The checksum of its weights before the step, where it was due; else 0.</summary>
    public uint Weights { get; set; }

    /// <summary>Writes it.</summary>
    public void Write(Stream stream)
    {
        using BinaryWriter writer = new(stream, System.Text.Encoding.UTF8, leaveOpen: true);
        writer.Write((byte)Status);
        writer.Write(Batch);
        writer.Write(WantsStop);
        writer.Write(WantsCheckpoint);
        writer.Write(HasNaNOperation);
        writer.Write(NewsBytes);
        writer.Write(DataSeconds);
        writer.Write(ComputeSeconds);
        writer.Write(WaitSeconds);
        writer.Write(Weights);
        foreach (double loss in Losses)
            writer.Write(loss);
        foreach (int samples in Samples)
            writer.Write(samples);
        foreach (long counter in Counters)
            writer.Write(counter);
        Write(writer, Gradients);
        Write(writer, Delivered);
    }

    /// <summary>Reads one.</summary>
    public static RankReport Read(Stream stream, ReportShape shape)
    {
        using BinaryReader reader = new(stream, System.Text.Encoding.UTF8, leaveOpen: true);
        RankReport report = new(shape)
        {
            Status = (RankStatus)reader.ReadByte(),
            Batch = reader.ReadInt32(),
            WantsStop = reader.ReadBoolean(),
            WantsCheckpoint = reader.ReadBoolean(),
            HasNaNOperation = reader.ReadBoolean(),
            NewsBytes = reader.ReadInt32(),
            DataSeconds = reader.ReadDouble(),
            ComputeSeconds = reader.ReadDouble(),
            WaitSeconds = reader.ReadDouble(),
            Weights = reader.ReadUInt32(),
        };
        for (int shard = 0; shard < shape.Shards; shard++)
            report.Losses[shard] = reader.ReadDouble();
        for (int shard = 0; shard < shape.Shards; shard++)
            report.Samples[shard] = reader.ReadInt32();
        for (int counter = 0; counter < shape.Counters; counter++)
            report.Counters[counter] = reader.ReadInt64();
        Read(reader, report.Gradients);
        Read(reader, report.Delivered);
        return report;
    }

    private static void Write(BinaryWriter writer, BitArray bits)
    {
        byte[] bytes = new byte[(bits.Count + 7) / 8];
        bits.CopyTo(bytes, 0);
        writer.Write(bytes);
    }

    private static void Read(BinaryReader reader, BitArray bits)
    {
        BitArray read = new(reader.ReadBytes((bits.Count + 7) / 8)) { Length = bits.Count };
        bits.Or(read);
    }
}

/// <summary>What there is of everything in a <see cref="RankReport"/>.</summary>
/// <param name="Shards">A rank's shards.</param>
/// <param name="Parameters">The parameters that are learned.</param>
/// <param name="Counters">The integers among the networks' buffers.</param>
/// <param name="Positions">The most samples that a rank has of a batch.</param>
internal readonly record struct ReportShape(int Shards, int Parameters, int Counters, int Positions);

/// <summary>What became of a batch at a rank.</summary>
internal enum RankStatus : byte
{
    /// <summary>Its shards are computed.</summary>
    Computed,

    /// <summary>Its memory was not enough.</summary>
    OutOfMemory,

    /// <summary>It was asked to stop while it waited for the batch.</summary>
    Interrupted,

    /// <summary>Something else went wrong, which its news tell.</summary>
    Failed,
}
