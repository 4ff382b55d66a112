namespace RobustTrain.Cmdlets.Commands;

/// <summary>Says which key of the configuration a parameter sets.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ConfigurationKeyAttribute(string path) : Attribute
{
    /// <summary>The key's dotted name.</summary>
    public string Path { get; } = path;
}
