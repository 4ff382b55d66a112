using System.Management.Automation;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Output;

/// <summary>One complete epoch of a run, as Start-Training writes it when the epoch ends, and Get-TrainingEpoch later.</summary>
public sealed record TrainingEpoch
{
    private readonly EpochFinished _finished;
    private readonly RunStarted _run;
    private readonly ScoreProperties _scores;

    private TrainingEpoch(EpochFinished finished, RunStarted run) => (_finished, _run, _scores) = (finished, run, new ScoreProperties(finished.Scores, run.ScoreNames));

    /// <summary>The run's id.</summary>
    public string RunId => _run.RunId;

    /// <summary>The epoch, from 0, as its folder in the run is numbered.</summary>
    public int Epoch => _finished.Epoch;

    /// <summary>The epochs that the run is to train.</summary>
    public int Epochs => _run.Epochs;

    /// <summary>The mean loss over the epoch's steps.</summary>
    public double TrainLoss => _finished.TrainLoss;

    /// <summary>The validation's scores by their names in the configuration; empty where none was due. Each is also a property of its own, as F1, null where it was not measured.</summary>
    public NamedScores Scores => _scores.Named;

    /// <summary>The score that decides which epoch is best.</summary>
    public string BestMetric => _run.BestMetric ?? ScoreProperties.ChangeMetric;

    /// <summary>What is learned.</summary>
    public string Task => _run.Task ?? ScoreProperties.ChangeTask;

    /// <summary>Whether its checkpoint is the best so far.</summary>
    public bool IsBest => _finished.IsBest;

    /// <summary>The learning rate of the last step.</summary>
    public double LearningRate => _finished.LearningRate;

    /// <summary>Training samples a second.</summary>
    public double SamplesPerSecond => _finished.SamplesPerSecond;

    /// <summary>The share of the training time that waited for data, 0 to 100.</summary>
    public double DataWaitPercent => 100 * _finished.DataWaitShare;

    /// <summary>Workers at the end of the epoch; null where the trainer does not say.</summary>
    public int? Workers => _finished.Loader?.Workers;

    /// <summary>Decoding, summed over workers.</summary>
    public double? DecodeSeconds => _finished.Loader?.DecodeSeconds;

    /// <summary>Augmenting, summed over workers.</summary>
    public double? AugmentSeconds => _finished.Loader?.AugmentSeconds;

    /// <summary>Workers waiting for a free slot, summed over workers.</summary>
    public double? SlotWaitSeconds => _finished.Loader?.SlotWaitSeconds;

    /// <summary>The trainer waiting for a batch.</summary>
    public double? DataWaitSeconds => _finished.Loader?.ConsumerWaitSeconds;

    /// <summary>Samples delivered.</summary>
    public int? Delivered => _finished.Loader?.Delivered;

    /// <summary>How often a sample was loaded again.</summary>
    public int? Retried => _finished.Loader?.Retried;

    /// <summary>Samples that were not delivered; the epoch's ledger.json names them with the reason.</summary>
    public int? Skipped => _finished.Loader?.Skipped;

    /// <summary>Samples in quarantine that the epoch met.</summary>
    public int? Quarantined => _finished.Loader?.Quarantined;

    /// <summary>How often a worker died or stood still.</summary>
    public int? WorkerFailures => _finished.Loader?.WorkerFailures;

    /// <summary>SHA-256 over what was delivered, in its order.</summary>
    public string? LedgerDigest => _finished.Loader?.Digest;

    /// <summary>The whole epoch, validation included.</summary>
    public double DurationSeconds => _finished.DurationSeconds;

    /// <summary>When it ended, local time.</summary>
    public DateTime EndTime => _finished.Time.LocalDateTime;

    /// <summary>The run's folder.</summary>
    public string RunPath => _run.RunPath;

    /// <summary>The epoch as an object for the pipeline, with a note property for each score.</summary>
    internal static PSObject From(EpochFinished finished, RunStarted run)
    {
        TrainingEpoch epoch = new(finished, run);
        return epoch._scores.AddTo(epoch, epoch.Task);
    }
}
