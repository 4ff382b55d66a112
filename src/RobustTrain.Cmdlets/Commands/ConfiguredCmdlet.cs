using System.Management.Automation;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Jobs;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>A cmdlet that takes a whole configuration of a training.</summary>
public abstract class ConfiguredCmdlet : LoaderCmdlet
{
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

    /// <summary>The folder of the dataset.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ConfigurationKey("data.path")]
    [FromObject("DataPath", "FullName")]
    [ValidateNotNullOrEmpty]
    public string? DataPath { get; set; }

    /// <summary>Epochs to train.</summary>
    [Parameter]
    [ConfigurationKey("trainer.epochs")]
    public int Epochs { get; set; }

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

    /// <summary>Workers that decode ahead: a number, or auto.</summary>
    [Parameter]
    [Alias("NumWorkerPerGpu")]
    [ConfigurationKey("loader.num_workers")]
    [ArgumentCompleter(typeof(ConfigurationValueCompleter))]
    public string? NumWorkers { get; set; }

    /// <summary>What the workers are.</summary>
    [Parameter]
    [ConfigurationKey("loader.worker_kind")]
    [ArgumentCompleter(typeof(ConfigurationValueCompleter))]
    public string? WorkerKind { get; set; }

    /// <summary>How batches come to the device.</summary>
    [Parameter]
    [ConfigurationKey("loader.prefetch_mode")]
    [ArgumentCompleter(typeof(ConfigurationValueCompleter))]
    public string? PrefetchMode { get; set; }

    /// <summary>Seconds between two looks at the workers.</summary>
    [Parameter]
    [Alias("CheckInterval")]
    [ConfigurationKey("loader.health_check_interval_seconds")]
    public double HealthCheckIntervalSeconds { get; set; }

    /// <summary>Failures of workers after which the trainer loads itself.</summary>
    [Parameter]
    [ConfigurationKey("loader.max_errors")]
    public int MaxErrors { get; set; }

    /// <summary>What becomes of a sample that can't be loaded.</summary>
    [Parameter]
    [ConfigurationKey("loader.on_bad_sample")]
    [ArgumentCompleter(typeof(ConfigurationValueCompleter))]
    public string? OnBadSample { get; set; }

    /// <summary>Samples of an epoch that may be skipped.</summary>
    [Parameter]
    [ConfigurationKey("loader.max_skipped")]
    public double MaxSkipped { get; set; }

    /// <summary>Lets workers live on from epoch to epoch.</summary>
    [Parameter]
    [ConfigurationKey("loader.persistent_workers")]
    public SwitchParameter PersistentWorkers { get; set; }

    /// <summary>Tries samples again that an earlier run put into quarantine.</summary>
    [Parameter]
    [ConfigurationKey("loader.ignore_quarantine")]
    public SwitchParameter IgnoreQuarantine { get; set; }

    /// <summary>The file of the quarantine.</summary>
    [Parameter]
    [ConfigurationKey("loader.quarantine_path")]
    [FromObject("FullName")]
    [ValidateNotNullOrEmpty]
    public string? QuarantinePath { get; set; }

    /// <summary>How often an epoch goes through the training samples.</summary>
    [Parameter]
    [Alias("DatasetEnlargeRatio")]
    [ConfigurationKey("data.enlarge_ratio")]
    public int EnlargeRatio { get; set; }

    /// <summary>Fills an incomplete last batch up.</summary>
    [Parameter]
    [ConfigurationKey("loader.fill_last")]
    public SwitchParameter FillLast { get; set; }

    /// <summary>Leaves an incomplete last batch out.</summary>
    [Parameter]
    [ConfigurationKey("loader.drop_last")]
    public SwitchParameter DropLast { get; set; }

    /// <summary>Scales a gradient of a greater L2 norm down to this one.</summary>
    [Parameter]
    [ConfigurationKey("trainer.clip_norm")]
    public double ClipNorm { get; set; }

    /// <summary>Batches whose gradients are accumulated into one step of the optimizer.</summary>
    [Parameter]
    [ConfigurationKey("trainer.accumulate")]
    public int Accumulate { get; set; }

    /// <summary>Keeps an exponential moving average of the weights with this decay a step, which validation and test then use.</summary>
    [Parameter]
    [ConfigurationKey("trainer.ema_decay")]
    public double EmaDecay { get; set; }

    /// <summary>Steps over which the learning rate rises from 0.</summary>
    [Parameter]
    [ConfigurationKey("schedule.warmup_steps")]
    public int WarmupSteps { get; set; }

    /// <summary>Runs only algorithms that give the same bits each time; the CPU needs it not.</summary>
    [Parameter]
    [ConfigurationKey("trainer.deterministic")]
    public SwitchParameter Deterministic { get; set; }

    /// <summary>Patterns of the names of parameters that are not learned, as conv1*.</summary>
    [Parameter]
    [ConfigurationKey("trainer.freeze")]
    [ValidateNotNullOrEmpty]
    public string[]? Freeze { get; set; }

    /// <summary>A run's or a checkpoint's folder, or a safetensors file, whose weights the training starts from; without -ConfigurationPath a run's settings are taken, too.</summary>
    [Parameter]
    [ConfigurationKey("trainer.start_from")]
    [FromObject("CheckpointPath", "RunPath", "FullName")]
    [ValidateNotNullOrEmpty]
    public string? StartFrom { get; set; }

    /// <summary>What a loss or gradient that is NaN, infinite or a spike leads to: fail, skip or rollback.</summary>
    [Parameter]
    [ConfigurationKey("numerics.on_failure")]
    [ArgumentCompleter(typeof(ConfigurationValueCompleter))]
    public string? OnFailure { get; set; }

    /// <summary>The score that decides which epoch is best, as f1, or SET/f1 for a validation set.</summary>
    [Parameter]
    [ConfigurationKey("trainer.best_metric")]
    [ArgumentCompleter(typeof(ConfigurationValueCompleter))]
    public string? BestMetric { get; set; }

    /// <summary>Epochs without a better one after which the training ends early.</summary>
    [Parameter]
    [ConfigurationKey("selection.patience")]
    public int Patience { get; set; }

    /// <summary>What was given, with absolute paths: -StartFrom stands for its run's configuration where none is given.</summary>
    private protected override async Task<TrainingRequest> ReadRequestAsync()
    {
        TrainingRequest request = await base.ReadRequestAsync();
        if (request.ConfigurationPath is not null || StartFrom is null)
            return request;
        string start = await ResolvePathAsync(StartFrom);

        // A checkpoint's folder lies in its run's folder checkpoints.
        string? run = new[] { start, System.IO.Path.GetFullPath(System.IO.Path.Combine(start, "..", "..")) }.FirstOrDefault(RunFolder.IsRun);
        return run is null ? request : request with { ConfigurationPath = RunFolder.ConfigPathOf(run) };
    }
}
