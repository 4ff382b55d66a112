namespace RobustTrain.Runs.Configuration.Schema;

/// <summary>What a value of the configuration is.</summary>
public enum ConfigurationKind
{
    /// <summary>Keys of its own.</summary>
    Section,

    /// <summary>A text.</summary>
    Text,

    /// <summary>true or false.</summary>
    Boolean,

    /// <summary>A whole number.</summary>
    Integer,

    /// <summary>A number.</summary>
    Number,
}
