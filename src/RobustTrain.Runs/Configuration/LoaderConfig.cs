using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace RobustTrain.Runs.Configuration;

/// <summary>How samples are loaded ahead of the training step.</summary>
public sealed record LoaderConfig
{
    /// <summary>Samples in a batch.</summary>
    [Description("Samples in a training batch.")]
    [Range(1, 65536)]
    [ConfigurationAlias("batch_size_per_gpu")]
    public int BatchSize { get; init; } = 16;

    /// <summary>Samples in a batch of validation and test.</summary>
    [Description("Samples in a batch of validation and test.")]
    [Range(1, 65536)]
    public int EvalBatchSize { get; init; } = 1;

    /// <summary>Workers.</summary>
    [Description("Workers that decode ahead; 0 loads in the training thread.")]
    [Range(0, 1024)]
    [ConfigurationAlias("num_worker_per_gpu")]
    public int NumWorkers { get; init; } = 2;

    /// <summary>Batches decoded ahead.</summary>
    [Description("Batches that are decoded ahead of the training step.")]
    [Range(1, 4096)]
    [ConfigurationAlias("num_prefetch_queue")]
    public int PrefetchQueueLength { get; init; } = 3;

    /// <summary>Whether an incomplete last batch is left out.</summary>
    [Description("Whether an incomplete last training batch is left out.")]
    public bool DropLast { get; init; }
}
