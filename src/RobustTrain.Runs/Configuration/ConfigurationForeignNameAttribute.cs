namespace RobustTrain.Runs.Configuration;

/// <summary>A name under which another system has something near this key that means something else, so that it is no alias.</summary>
[AttributeUsage(AttributeTargets.Property, AllowMultiple = true)]
public sealed class ConfigurationForeignNameAttribute(string name, string difference) : Attribute
{
    /// <summary>The other system's name, in snake case.</summary>
    public string Name { get; } = name;

    /// <summary>What to set here instead, and how it differs, for people.</summary>
    public string Difference { get; } = difference;
}
