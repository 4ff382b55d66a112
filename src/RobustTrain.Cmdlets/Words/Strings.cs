using System.Globalization;
using System.Resources;

namespace RobustTrain.Cmdlets.Words;

/// <summary>What the module says to people; the texts stand in Strings.resx under these names.</summary>
internal static class Strings
{
    private static readonly ResourceManager Texts = new("RobustTrain.Cmdlets.Words.Strings", typeof(Strings).Assembly);

    /// <summary>A text with its places filled in.</summary>
    public static string Format(string name, params object?[] values) => string.Format(CultureInfo.InvariantCulture, Get(name), values);

    private static string Get(string name) => Texts.GetString(name, CultureInfo.InvariantCulture)
        ?? throw new MissingManifestResourceException($"Strings.resx has no text '{name}'.");
}
