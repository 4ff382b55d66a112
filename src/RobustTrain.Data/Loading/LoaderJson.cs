using System.Text.Json;
using System.Text.Json.Serialization;

namespace RobustTrain.Data.Loading;

/// <summary>The JSON of the loader's files and of what a process worker is told; generated, because reflection would cost a worker's start.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = false, UseStringEnumConverter = true)]
[JsonSerializable(typeof(WorkerSpecification))]
[JsonSerializable(typeof(List<QuarantineEntry>))]
[JsonSerializable(typeof(EpochLedger))]
public sealed partial class LoaderJson : JsonSerializerContext;
