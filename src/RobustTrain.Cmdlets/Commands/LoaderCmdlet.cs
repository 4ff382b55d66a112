using System.Management.Automation;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Jobs;
using RobustTrain.Cmdlets.Words;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>
/// A cmdlet that loads the data of a configuration: it takes the file, parameters that win over it, and -Set, which wins over both.
/// </summary>
public abstract class LoaderCmdlet : HostCmdlet
{
    /// <summary>The YAML file; a run's folder stands for the run's own.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "Config")]
    [FromObject("ConfigurationPath", "RunPath", "FullName")]
    [ValidateNotNullOrEmpty]
    public string? ConfigurationPath { get; set; }

    /// <summary>The layout of the dataset.</summary>
    [Parameter]
    [ConfigurationKey("data.dataset")]
    [ArgumentCompleter(typeof(ConfigurationValueCompleter))]
    public string? Dataset { get; set; }

    /// <summary>Samples in a training batch.</summary>
    [Parameter]
    [Alias("BatchSizePerGpu")]
    [ConfigurationKey("loader.batch_size")]
    public int BatchSize { get; set; }

    /// <summary>Batches that are decoded ahead.</summary>
    [Parameter]
    [Alias("NumPrefetchQueue")]
    [ConfigurationKey("loader.prefetch_queue_length")]
    public int PrefetchQueueLength { get; set; }

    /// <summary>Seconds after which a worker that stands still is replaced.</summary>
    [Parameter]
    [Alias("Timeout")]
    [ConfigurationKey("loader.timeout_seconds")]
    public double TimeoutSeconds { get; set; }

    /// <summary>Any other keys: a hashtable, nested or with dotted keys, or texts key=value.</summary>
    [Parameter]
    [SettingsTransformation]
    [ArgumentCompleter(typeof(SettingCompleter))]
    public string[]? Set { get; set; }

    /// <summary>What was given, with absolute paths.</summary>
    private protected virtual Task<TrainingRequest> ReadRequestAsync() => OnPipelineThread(() => new TrainingRequest
    {
        ConfigurationPath = ConfigurationPath is null ? null : ResolveConfiguration(ConfigurationPath),
        Settings = [.. BoundSettings().Select(bound => bound.Setting), .. Set ?? []],
        Words = Words(),
        WorkingFolder = SessionState.Path.CurrentFileSystemLocation.ProviderPath,
    });
}
