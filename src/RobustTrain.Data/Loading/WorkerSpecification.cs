using RobustTrain.Data.Datasets;

namespace RobustTrain.Data.Loading;

/// <summary>What a process worker is told on its standard input: the length of what follows (32 bits), then that.</summary>
/// <param name="ParentProcessId">The trainer.</param>
/// <param name="MemoryPath">The ring's memory, as a path that the trainer's open file has in /proc.</param>
/// <param name="SlotCount">Slots of the ring.</param>
/// <param name="BatchSize">Samples in a slot.</param>
/// <param name="WorkerCapacity">Cells of workers.</param>
/// <param name="SlotBytes">Bytes of a slot.</param>
/// <param name="Worker">This worker's cell.</param>
/// <param name="Dataset">The data set.</param>
/// <param name="Faults">Faults to inject; null for none.</param>
/// <param name="StallSeconds">Seconds of an injected stall.</param>
public sealed record WorkerSpecification(
    int ParentProcessId,
    string MemoryPath,
    int SlotCount,
    int BatchSize,
    int WorkerCapacity,
    long SlotBytes,
    int Worker,
    DatasetDescription Dataset,
    string? Faults,
    double StallSeconds)
{
    /// <summary>The bytes for the worker's standard input.</summary>
    public byte[] ToBytes()
    {
        MemoryStream bytes = new();
        using BinaryWriter writer = new(bytes);
        writer.Write(0);
        writer.Write(ParentProcessId);
        writer.Write(MemoryPath);
        writer.Write(SlotCount);
        writer.Write(BatchSize);
        writer.Write(WorkerCapacity);
        writer.Write(SlotBytes);
        writer.Write(Worker);
        writer.WriteOptional(Faults);
        writer.Write(StallSeconds);
        Dataset.WriteTo(writer);
        writer.Flush();
        byte[] message = bytes.ToArray();
        BitConverter.TryWriteBytes(message, message.Length - sizeof(int));
        return message;
    }

    /// <summary>Reads what <see cref="ToBytes"/> wrote, without the length.</summary>
    /// <exception cref="InvalidDataException">It is something else.</exception>
    /// <exception cref="EndOfStreamException">It is cut off.</exception>
    public static WorkerSpecification Read(byte[] message)
    {
        using BinaryReader reader = new(new MemoryStream(message));
        int parent = reader.ReadInt32();
        string path = reader.ReadString();
        int slots = reader.ReadInt32();
        int batch = reader.ReadInt32();
        int capacity = reader.ReadInt32();
        long slotBytes = reader.ReadInt64();
        int worker = reader.ReadInt32();
        string? faults = reader.ReadOptionalString();
        double stall = reader.ReadDouble();
        return new WorkerSpecification(parent, path, slots, batch, capacity, slotBytes, worker, DatasetDescription.ReadFrom(reader), faults, stall);
    }
}
