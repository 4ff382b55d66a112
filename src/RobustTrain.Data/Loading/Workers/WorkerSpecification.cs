using System.Text.Json;
using System.Text.Json.Serialization;
using RobustTrain.Data.Datasets;

namespace RobustTrain.Data.Loading.Workers;

/// <summary>What a process worker is told on its standard input: the length of what follows (32 bits), then that, as JSON.</summary>
/// <param name="ParentProcessId">The trainer.</param>
/// <param name="MemoryPath">Where the ring's memory is found (<see cref="RobustTrain.Platform.SharedMemory.Path"/>).</param>
/// <param name="SlotCount">Slots of the ring.</param>
/// <param name="BatchSize">Samples in a slot.</param>
/// <param name="WorkerCapacity">Heartbeats of workers.</param>
/// <param name="SlotBytes">Bytes of a slot.</param>
/// <param name="Worker">This worker's number.</param>
/// <param name="Dataset">The dataset.</param>
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
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(this, WorkerJson.Default.WorkerSpecification);
        return [.. BitConverter.GetBytes(json.Length), .. json];
    }

    /// <summary>Reads what <see cref="ToBytes"/> wrote, without the length.</summary>
    /// <exception cref="InvalidDataException">It is something else, or cut off.</exception>
    public static WorkerSpecification Read(byte[] message)
    {
        try
        {
            return JsonSerializer.Deserialize(message, WorkerJson.Default.WorkerSpecification) ?? throw new InvalidDataException("The loader said nothing.");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"What the loader said is not understood: {exception.Message}", exception);
        }
    }
}

/// <summary>The JSON of what workers are told; generated, so that it needs no reflection.</summary>
[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
[JsonSerializable(typeof(WorkerSpecification))]
internal sealed partial class WorkerJson : JsonSerializerContext;
