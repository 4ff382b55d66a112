namespace RobustTrain.Tests.Windows;

/// <summary>
/// What Wine cannot do, by the tests that show it: lines <c>NAME # REASON</c>, where a name is a test's class, or class and method, without
/// the namespace. The list may only shrink: a name that no test has fails the run.
/// </summary>
internal sealed class KnownLacks
{
    private readonly Dictionary<string, string> _reasons;
    private readonly HashSet<string> _used = [];

    private KnownLacks(Dictionary<string, string> reasons) => _reasons = reasons;

    /// <summary>The names that no test has had.</summary>
    public IEnumerable<string> Unused => _reasons.Keys.Where(name => !_used.Contains(name));

    /// <summary>Reads the list.</summary>
    public static KnownLacks Read(string path) => new(File.ReadLines(path)
        .Where(line => line.Length > 0 && line[0] != '#')
        .Select(line => line.Split('#', 2, StringSplitOptions.TrimEntries))
        .ToDictionary(parts => parts[0], parts => parts[1]));

    /// <summary>Why a test is left out; null where it is not.</summary>
    public string? ReasonFor(string className, string method)
    {
        string type = className[(className.LastIndexOf('.') + 1)..];
        foreach (string name in (string[])[$"{type}.{method}", type])
        {
            if (_reasons.TryGetValue(name, out string? reason))
            {
                _used.Add(name);
                return reason;
            }
        }

        return null;
    }
}
