using System.Collections;
using System.Management.Automation;
using RobustTrain.Cmdlets.Commands;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Fleets;

/// <summary>A cmdlet that gives a fleet configurations and hosts.</summary>
public abstract class FleetMemberCmdlet : FleetCmdlet
{
    /// <summary>The configuration files; wildcards are allowed.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [SupportsWildcards]
    [FromObject("FullName")]
    [ValidateNotNullOrEmpty]
    public string[] Config { get; set; } = [];

    /// <summary>The hosts, as the operator's ssh configuration knows them.</summary>
    [Parameter(Position = 1)]
    [Alias("HostName", "Cn")]
    [ArgumentCompleter(typeof(SshHostCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] ComputerName { get; set; } = [];

    /// <summary>Keys with several values; every combination becomes a run.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public IDictionary? Sweep { get; set; }

    /// <summary>Settings for all these configurations.</summary>
    [Parameter]
    [SettingsTransformation]
    [ArgumentCompleter(typeof(SettingCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Set { get; set; } = [];

    /// <summary>What is given, as arguments of <c>robusttrain fleet</c>.</summary>
    /// <param name="files">The configuration files.</param>
    /// <param name="path">The fleet's folder.</param>
    private protected IEnumerable<string> MemberArguments(IEnumerable<string> files, string path) =>
    [
        .. files, "--path", path,
        .. ComputerName.SelectMany(host => (string[])["--host", host]),
        .. Set.SelectMany(setting => (string[])["--set", setting]),
        .. SweepOptions(),
    ];

    /// <summary>The configuration files that are meant; each pattern has to mean one.</summary>
    private protected async Task<IReadOnlyList<string>> ResolveConfigsAsync()
    {
        List<string> files = [];
        foreach (string pattern in Config)
            files.AddRange(await OnPipelineThread(() => Matching(pattern)));
        return [.. files.Distinct(StringComparer.Ordinal)];
    }

    private IEnumerable<string> SweepOptions()
    {
        foreach (DictionaryEntry axis in Sweep ?? new Hashtable())
        {
            IEnumerable values = LanguagePrimitives.GetEnumerable(axis.Value) ?? new[] { axis.Value };
            yield return "--sweep";
            yield return $"{axis.Key}={string.Join(',', values.Cast<object?>().Select(SettingText.Of))}";
        }
    }

    private IReadOnlyList<string> Matching(string pattern)
    {
        if (!WildcardPattern.ContainsWildcardCharacters(pattern))
            return [ResolvePath(WildcardPattern.Unescape(pattern))];
        string[] found = [.. GetResolvedProviderPathFromPSPath(pattern, out _).Where(File.Exists).Order(StringComparer.Ordinal)];
        return found.Length > 0 ? found : throw new RunException(ExitCode.Configuration, "ConfigurationNotFound", Strings.Format("NoFileMatches", pattern), pattern);
    }
}
