using System.Text.Json.Serialization;

namespace RobustTrain.Monitoring;

/// <summary>How records are written as JSON: the names that the objects have in PowerShell, one object a line.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, WriteIndented = false)]
[JsonSerializable(typeof(MonitorRecord))]
public sealed partial class MonitorJson : JsonSerializerContext;
