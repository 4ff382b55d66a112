using System.Management.Automation;

namespace RobustTrain.Cmdlets.Training;

/// <summary>Scores by name on their way into flat objects: the well-known ones become properties, the others note properties.</summary>
/// <param name="scores">The scores in snake case, or null where nothing was measured.</param>
internal sealed class Scores(IEnumerable<KeyValuePair<string, double>>? scores)
{
    private readonly Dictionary<string, double> left = new(scores ?? []);

    /// <summary>The score of a name, which is then no longer among the others.</summary>
    public double? Take(string name) => left.Remove(name, out double score) ? score : null;

    /// <summary>The object with a note property for each score that was not taken, named as PowerShell names things.</summary>
    public PSObject AddOthersTo(object value)
    {
        PSObject wrapped = PSObject.AsPSObject(value);
        foreach ((string name, double score) in left.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            wrapped.Properties.Add(new PSNoteProperty(PascalCase(name), score));

        return wrapped;
    }

    private static string PascalCase(string name) => string.Concat(name.Split('_', '/', '-', ' ').Where(part => part.Length > 0).Select(part => char.ToUpperInvariant(part[0]) + part[1..]));
}
