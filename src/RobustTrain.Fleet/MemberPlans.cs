using System.Globalization;
using RobustTrain.Configuration;
using RobustTrain.Runs;

namespace RobustTrain.Fleet;

/// <summary>What a fleet has to know of a configuration; the trainer's own keys are nothing that it knows.</summary>
/// <param name="NeedsGpu">Whether it trains on a GPU.</param>
/// <param name="Epochs">The epochs to train.</param>
/// <param name="Outdated">How it differs from the one with which the run was begun, one sentence; null where it does not.</param>
public sealed record MemberPlan(bool NeedsGpu, int Epochs, string? Outdated);

/// <summary>Reads configurations for a fleet.</summary>
public interface IMemberReader
{
    /// <summary>Reads one.</summary>
    /// <param name="config">The file.</param>
    /// <param name="settings">Settings that win over it.</param>
    /// <param name="runPath">Its run's folder, whether there is a run or not.</param>
    /// <exception cref="ConfigurationException">It has mistakes.</exception>
    /// <exception cref="RunException">A fleet can't train it.</exception>
    MemberPlan Read(string config, IReadOnlyList<string> settings, string runPath);
}

/// <summary>A configuration that is to be a fleet's, with the name of its run.</summary>
/// <param name="Name">The name of its run's folder.</param>
/// <param name="Config">The file, absolute.</param>
/// <param name="Settings">Settings that win over it.</param>
public sealed record MemberSpec(string Name, string Config, IReadOnlyList<string> Settings);

/// <summary>Makes members of configuration files and of the values that a sweep gives some keys.</summary>
public static class Sweep
{
    /// <summary>Every file with every combination of values.</summary>
    /// <param name="files">The files.</param>
    /// <param name="settings">Settings for all.</param>
    /// <param name="sweeps">Keys with their values, as <c>optimizer.learning_rate=1e-3,3e-3</c>; a value is YAML.</param>
    /// <returns>The members; each is named after its file and the values, whose keys are in the order of the alphabet, so that the same call names them the same again.</returns>
    /// <exception cref="RunException">A sweep can't be read, or two members would have one name.</exception>
    public static IReadOnlyList<MemberSpec> Members(IReadOnlyList<string> files, IReadOnlyList<string> settings, IReadOnlyList<string> sweeps)
    {
        (string Key, IReadOnlyList<string> Values)[] axes = [.. sweeps.Select(Parse).OrderBy(axis => axis.Key, StringComparer.Ordinal)];
        if (axes.GroupBy(axis => axis.Key).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw Wrong("SweepInvalid", $"--sweep gives '{twice.Key}' twice; all its values belong into one.", twice.Key);
        List<MemberSpec> members = [];
        foreach (string file in files.Select(Path.GetFullPath))
        {
            foreach (IReadOnlyList<(string Key, string Value)> point in Product(axes))
            {
                string name = FileName(string.Join('-', [Path.GetFileNameWithoutExtension(file), .. point.Select(set => $"{ShortName(set.Key, axes)}={set.Value}")]));
                if (members.Find(member => member.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } other)
                    throw Wrong("FleetNameTaken", $"'{file}' and '{other.Config}' would both have the run '{name}'; rename one of the files.", file);
                members.Add(new MemberSpec(name, file, [.. settings, .. point.Count == 0 ? (string[])[] : [$"name={name}"], .. point.Select(set => $"{set.Key}={set.Value}")]));
            }
        }

        return members;
    }

    private static IEnumerable<IReadOnlyList<(string Key, string Value)>> Product(ReadOnlyMemory<(string Key, IReadOnlyList<string> Values)> axes)
    {
        if (axes.IsEmpty)
            return [[]];
        (string key, IReadOnlyList<string> values) = axes.Span[0];
        return values.SelectMany(value => Product(axes[1..]).Select(rest => (IReadOnlyList<(string, string)>)[(key, value), .. rest]));
    }

    private static (string Key, IReadOnlyList<string> Values) Parse(string sweep)
    {
        int equals = sweep.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0)
            throw Wrong("SweepInvalid", $"--sweep {sweep}: it must have the form key=value,value, as optimizer.learning_rate=1e-3,3e-3.", sweep);
        return Split(sweep[(equals + 1)..]) is { } values
            ? (sweep[..equals].Trim(), [.. values.Distinct(StringComparer.Ordinal)])
            : throw Wrong("SweepInvalid", $"--sweep {sweep}: its values can't be read; they are YAML with commas in between, as 1e-3,3e-3.", sweep);
    }

    // At the commas that stand in no quotes and in no brackets; null where these don't match, or a value is missing.
    private static List<string>? Split(string text)
    {
        List<string> values = [];
        int begin = 0, depth = 0;
        char? quote = null;
        for (int at = 0; at <= text.Length; at++)
        {
            char letter = at < text.Length ? text[at] : ',';
            if (at < text.Length && quote is not null)
                quote = letter == quote ? null : quote;
            else if (letter is '\'' or '"')
                quote = letter;
            else if (letter is '[' or '{')
                depth++;
            else if (letter is ']' or '}' && --depth < 0)
                return null;
            else if (letter == ',' && depth == 0)
            {
                values.Add(text[begin..at].Trim());
                begin = at + 1;
            }
        }

        return quote is null && depth == 0 && values.All(value => value.Length > 0) ? values : null;
    }

    // The last word of a key says enough, where no other key of the sweep ends with it.
    private static string ShortName(string key, (string Key, IReadOnlyList<string> Values)[] axes)
    {
        string last = key[(key.LastIndexOf('.') + 1)..];
        return axes.Count(axis => axis.Key[(axis.Key.LastIndexOf('.') + 1)..] == last) > 1 ? key : last;
    }

    // What every file system takes, and shells mostly without quoting.
    private static string FileName(string name)
    {
        string text = string.Concat(name.Select(letter => char.IsLetterOrDigit(letter) || letter is '-' or '_' or '.' or '=' or '+' ? letter : '_')).Trim('.', ' ');
        const int most = 200;
        return text.Length == 0 ? "run" : text.Length <= most ? text : throw Wrong("FleetNameTooLong", string.Create(CultureInfo.InvariantCulture, $"The run '{text}' would have a name of {text.Length} letters; {most} are allowed."), name);
    }

    private static RunException Wrong(string errorId, string message, string target) => new(ExitCode.Configuration, errorId, message, target);
}
