using System.Management.Automation;
using RobustTrain.Cmdlets.Completion;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>A cmdlet that works on one of a run's checkpoints.</summary>
public abstract class CheckpointCmdlet : HostCmdlet
{
    /// <summary>Which checkpoint of a run.</summary>
    [Parameter]
    [ValidateSet("Best", "Latest")]
    public string Checkpoint { get; set; } = "Best";

    /// <summary>The configuration of a checkpoint that lies in no run.</summary>
    [Parameter]
    [Alias("Config")]
    [FromObject("ConfigurationPath", "RunPath", "FullName")]
    [ValidateNotNullOrEmpty]
    public string? ConfigurationPath { get; set; }

    /// <summary>A command of the executable on a checkpoint, with those of its options that have a value; for the pipeline thread.</summary>
    private protected virtual IEnumerable<string> ArgumentsFor(string command, string path, params IEnumerable<(string Option, string? Value)> options) =>
    [
        command,
        path,
        .. Given([.. options, ("--config", ConfigurationPath is null ? null : ResolveConfiguration(ConfigurationPath)), ("--checkpoint", Checkpoint.ToLowerInvariant())]),
    ];

    private static IEnumerable<string> Given(IEnumerable<(string Option, string? Value)> options) =>
        options.Where(option => option.Value is not null).SelectMany(option => (string[])[option.Option, option.Value!]);
}

/// <summary>A cmdlet that computes with a checkpoint's network.</summary>
public abstract class NetworkCmdlet : CheckpointCmdlet
{
    /// <summary>Another device than the run's.</summary>
    [Parameter]
    [DeviceTransformation]
    [ArgumentCompleter(typeof(DeviceCompleter))]
    public string? Device { get; set; }

    /// <summary>Any keys of the configuration.</summary>
    [Parameter]
    [SettingsTransformation]
    [ArgumentCompleter(typeof(SettingCompleter))]
    public string[]? Set { get; set; }

    private protected override IEnumerable<string> ArgumentsFor(string command, string path, params IEnumerable<(string Option, string? Value)> options) =>
    [
        .. base.ArgumentsFor(command, path, [.. (Set ?? []).Select(setting => ("--set", (string?)setting)), .. options]),
        .. Device is null ? (string[])[] : ["--device", Device],
    ];
}
