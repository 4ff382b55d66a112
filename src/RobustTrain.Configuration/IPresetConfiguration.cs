namespace RobustTrain.Configuration;

/// <summary>A configuration of which some values decide what others are where they are not given.</summary>
public interface IPresetConfiguration
{
    /// <summary>Settings in the form <c>key=value</c> that hold where nothing else is given, in place of the keys' own defaults.</summary>
    IEnumerable<string> Presets { get; }
}
