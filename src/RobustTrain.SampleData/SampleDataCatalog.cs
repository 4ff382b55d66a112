namespace RobustTrain.SampleData;

/// <summary>The tasks that data can be made for.</summary>
public static class SampleDataCatalog
{
    private static readonly Dictionary<string, Func<SampleDatasetOptions, IEnumerable<SampleDataPart>>> s_generators = new(StringComparer.Ordinal)
    {
        ["change-detection"] = ChangeScenes.Of,
        ["segmentation"] = ClassMapScenes.Of,
        ["classification"] = ShapeImages.Of,
        ["super-resolution"] = DetailImages.Of,
    };

    /// <summary>Their names.</summary>
    public static IReadOnlyCollection<string> Tasks => s_generators.Keys;

    /// <summary>What makes up the data.</summary>
    internal static IEnumerable<SampleDataPart> PartsOf(SampleDatasetOptions options) => s_generators[options.Task](options);
}

/// <summary>A part of sample data, which is written by itself.</summary>
/// <param name="Name">Its name for people, as in <c>Szada/1</c>.</param>
/// <param name="Write">Writes it into the data's folder, which may not be there yet.</param>
internal sealed record SampleDataPart(string Name, Action<string> Write);
