using System.Management.Automation;
using System.Reflection;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Training;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>A cmdlet that takes a whole configuration: a file, parameters that win over it, and -Set, which wins over both.</summary>
public abstract class ConfiguredCmdlet : HostCmdlet
{
    /// <summary>The YAML file.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("Path", "PSPath", "Config")]
    [ValidateNotNullOrEmpty]
    public string? ConfigurationPath { get; set; }

    /// <summary>A name for people.</summary>
    [Parameter]
    [ConfigurationKey("name")]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <summary>The architecture.</summary>
    [Parameter]
    [ConfigurationKey("model.name")]
    [ArgumentCompleter(typeof(ConfigurationValueCompleter))]
    public string? Model { get; set; }

    /// <summary>The layout of the data set.</summary>
    [Parameter]
    [ConfigurationKey("data.dataset")]
    [ArgumentCompleter(typeof(ConfigurationValueCompleter))]
    public string? Dataset { get; set; }

    /// <summary>The folder of the data set.</summary>
    [Parameter]
    [ConfigurationKey("data.path")]
    [ValidateNotNullOrEmpty]
    public string? DataPath { get; set; }

    /// <summary>Epochs to train.</summary>
    [Parameter]
    [ConfigurationKey("trainer.epochs")]
    public int Epochs { get; set; }

    /// <summary>Samples in a training batch.</summary>
    [Parameter]
    [ConfigurationKey("loader.batch_size")]
    public int BatchSize { get; set; }

    /// <summary>The learning rate.</summary>
    [Parameter]
    [ConfigurationKey("optimizer.learning_rate")]
    public double LearningRate { get; set; }

    /// <summary>The optimizer.</summary>
    [Parameter]
    [ConfigurationKey("optimizer.name")]
    [ArgumentCompleter(typeof(ConfigurationValueCompleter))]
    public string? Optimizer { get; set; }

    /// <summary>The criterion.</summary>
    [Parameter]
    [ConfigurationKey("criterion.name")]
    [ArgumentCompleter(typeof(ConfigurationValueCompleter))]
    public string? Criterion { get; set; }

    /// <summary>The schedule of the learning rate.</summary>
    [Parameter]
    [ConfigurationKey("schedule.name")]
    [ArgumentCompleter(typeof(ConfigurationValueCompleter))]
    public string? Schedule { get; set; }

    /// <summary>The device: cpu, cuda, cuda:N, auto; a bare number N, as Get-GpuStatus gives it, means cuda:N.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Alias("Index")]
    [DeviceTransformation]
    [ConfigurationKey("device")]
    [ArgumentCompleter(typeof(DeviceCompleter))]
    public string? Device { get; set; }

    /// <summary>The seed of everything random.</summary>
    [Parameter]
    [ConfigurationKey("seed")]
    public long Seed { get; set; }

    /// <summary>CPU threads of one operator.</summary>
    [Parameter]
    [ConfigurationKey("threads")]
    public int Threads { get; set; }

    /// <summary>Workers that decode ahead.</summary>
    [Parameter]
    [ConfigurationKey("loader.num_workers")]
    public int NumWorkers { get; set; }

    /// <summary>Batches that are decoded ahead.</summary>
    [Parameter]
    [Alias("NumPrefetchQueue")]
    [ConfigurationKey("loader.prefetch_queue_length")]
    public int PrefetchQueueLength { get; set; }

    /// <summary>Leaves an incomplete last batch out.</summary>
    [Parameter]
    [ConfigurationKey("loader.drop_last")]
    public SwitchParameter DropLast { get; set; }

    /// <summary>Any other keys: a hashtable, nested or with dotted keys, or texts key=value.</summary>
    [Parameter]
    [SettingsTransformation]
    [ArgumentCompleter(typeof(SettingCompleter))]
    public string[]? Set { get; set; }

    /// <summary>What was given, with absolute paths.</summary>
    private protected Task<TrainingRequest> ReadRequestAsync() => OnPipelineThread(() => new TrainingRequest
    {
        ConfigurationPath = ConfigurationPath is null ? null : ResolvePath(ConfigurationPath),
        Settings = [.. BoundSettings(), .. Set ?? []],
        WorkingFolder = SessionState.Path.CurrentFileSystemLocation.ProviderPath,
    });

    private IEnumerable<string> BoundSettings()
    {
        foreach (PropertyInfo parameter in typeof(ConfiguredCmdlet).GetProperties())
        {
            if (parameter.GetCustomAttribute<ConfigurationKeyAttribute>() is not { } key || !MyInvocation.BoundParameters.ContainsKey(parameter.Name))
                continue;

            object? value = parameter.Name == nameof(DataPath) ? ResolvePath(DataPath!) : parameter.GetValue(this);
            yield return $"{key.Path}={SettingText.Of(value)}";
        }
    }
}
