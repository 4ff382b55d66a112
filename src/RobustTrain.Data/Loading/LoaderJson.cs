using System.Text.Json;
using System.Text.Json.Serialization;

namespace RobustTrain.Data.Loading;

/// <summary>The JSON of the loader's files and of what workers are told; generated, so that it needs no reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = false, UseStringEnumConverter = true)]
[JsonSerializable(typeof(List<QuarantineEntry>))]
[JsonSerializable(typeof(EpochLedger))]
[JsonSerializable(typeof(WorkerSpecification))]
public sealed partial class LoaderJson : JsonSerializerContext;
