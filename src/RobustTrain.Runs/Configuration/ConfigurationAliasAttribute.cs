namespace RobustTrain.Runs.Configuration;

/// <summary>Another name under which a configuration key is accepted, as another system calls it.</summary>
[AttributeUsage(AttributeTargets.Property, AllowMultiple = true)]
public sealed class ConfigurationAliasAttribute(string name) : Attribute
{
    /// <summary>The other name, in snake case.</summary>
    public string Name { get; } = name;
}
