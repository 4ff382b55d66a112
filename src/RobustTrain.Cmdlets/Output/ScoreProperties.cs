using System.Collections.ObjectModel;
using System.Globalization;
using System.Management.Automation;

namespace RobustTrain.Cmdlets.Output;

/// <summary>Scores by their names in the configuration, as psnr_y; the names' order is the task's.</summary>
public sealed class NamedScores : ReadOnlyDictionary<string, double>
{
    internal NamedScores(IEnumerable<KeyValuePair<string, double>> scores)
        : base(new OrderedDictionary<string, double>(scores))
    {
    }

    /// <summary>All of them in one line, as f1=0.77;iou=0.6.</summary>
    public override string ToString() => string.Join(';', this.Select(score => string.Create(CultureInfo.InvariantCulture, $"{score.Key}={score.Value:R}")));
}

/// <summary>
/// Scores on their way into flat objects: each name of the task's has a note property, whether it was measured or not, so that all objects of a task
/// have one shape.
/// </summary>
/// <param name="scores">The scores in snake case, or null where nothing was measured.</param>
/// <param name="names">The names that there are; null in what was written before they were told, which is of change detection.</param>
/// <param name="prefix">What the names of note properties begin with.</param>
internal sealed class ScoreProperties(IReadOnlyDictionary<string, double>? scores, IReadOnlyList<string>? names, string prefix = "")
{
    /// <summary>The task whose views show F1 and IoU.</summary>
    public const string ChangeTask = "change-detection";

    /// <summary>The score that decides in that task where nothing else is said.</summary>
    public const string ChangeMetric = "f1";

    private static readonly string[] s_changeNames = ["f1", "iou", "precision", "recall", "accuracy", "mean_f1", "mean_iou", "mean_precision", "mean_recall"];

    private readonly string[] _names =
        [.. (names ?? s_changeNames).Union((scores ?? new Dictionary<string, double>()).Keys.Order(StringComparer.Ordinal))];

    /// <summary>Those that were measured.</summary>
    public NamedScores Named { get; } = new(
        scores is null ? [] : (names ?? s_changeNames).Union(scores.Keys.Order(StringComparer.Ordinal)).Where(scores.ContainsKey).Select(name => KeyValuePair.Create(name, scores[name])));

    /// <summary>The object with a note property for each score, named as PowerShell names things, and with the type name that chooses its view.</summary>
    public PSObject AddTo(object value, string task)
    {
        PSObject wrapped = PSObject.AsPSObject(value);
        foreach (string name in _names)
            wrapped.Properties.Add(new PSNoteProperty(prefix + PropertyName(name), Named.TryGetValue(name, out double score) ? score : null));
        if (task != ChangeTask)
            wrapped.TypeNames.Insert(0, $"{value.GetType().FullName}#Scores");
        return wrapped;
    }

    /// <summary>A score's name as PowerShell names things: PsnrY for psnr_y.</summary>
    public static string PropertyName(string name) => string.Concat(name.Split('_', '/', '-', ' ').Where(part => part.Length > 0).Select(part => char.ToUpperInvariant(part[0]) + part[1..]));
}
