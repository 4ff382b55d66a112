namespace RobustTrain.Runs.Configuration;

/// <summary>Marks a key that names a file or a folder: a relative one is resolved against the current directory.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ConfigurationPathAttribute : Attribute;
