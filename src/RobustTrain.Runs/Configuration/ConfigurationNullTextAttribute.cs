namespace RobustTrain.Runs.Configuration;

/// <summary>The word that a key has in place of YAML's null, for what its absence means.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ConfigurationNullTextAttribute(string text) : Attribute
{
    /// <summary>The word.</summary>
    public string Text { get; } = text;
}
