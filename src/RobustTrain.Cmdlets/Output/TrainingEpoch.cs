using System.Management.Automation;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Output;

/// <summary>One complete epoch of a run, as Start-Training writes it when the epoch ends.</summary>
public sealed record TrainingEpoch
{
    private readonly EpochFinished _finished;
    private readonly RunStarted _run;
    private readonly Scores _scores;

    private TrainingEpoch(EpochFinished finished, RunStarted run) => (_finished, _run, _scores) = (finished, run, new Scores(finished.Scores));

    /// <summary>The run's id.</summary>
    public string RunId => _run.RunId;

    /// <summary>The epoch, from 0, as its folder in the run is numbered.</summary>
    public int Epoch => _finished.Epoch;

    /// <summary>The epochs that the run is to train.</summary>
    public int Epochs => _run.Epochs;

    /// <summary>The mean loss over the epoch's steps.</summary>
    public double TrainLoss => _finished.TrainLoss;

    /// <summary>The validation's F1: of class 1 where there are two classes, else the mean; null where none was due.</summary>
    public double? F1 => _scores["f1"];

    /// <summary>The validation's intersection over union, likewise.</summary>
    public double? Iou => _scores["iou"];

    /// <summary>The validation's precision, likewise.</summary>
    public double? Precision => _scores["precision"];

    /// <summary>The validation's recall, likewise.</summary>
    public double? Recall => _scores["recall"];

    /// <summary>The share of pixels that the validation found right.</summary>
    public double? Accuracy => _scores["accuracy"];

    /// <summary>The validation's mean F1 over all classes.</summary>
    public double? MeanF1 => _scores["mean_f1"];

    /// <summary>The validation's mean intersection over union over all classes.</summary>
    public double? MeanIou => _scores["mean_iou"];

    /// <summary>The validation's mean precision over all classes.</summary>
    public double? MeanPrecision => _scores["mean_precision"];

    /// <summary>The validation's mean recall over all classes.</summary>
    public double? MeanRecall => _scores["mean_recall"];

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

    /// <summary>The epoch as an object for the pipeline; scores of validation sets become note properties.</summary>
    internal static PSObject From(EpochFinished finished, RunStarted run)
    {
        TrainingEpoch epoch = new(finished, run);
        return epoch._scores.AddOthersTo(epoch);
    }
}

/// <summary>Scores by name on their way into flat objects: the well-known ones are properties there, the others become note properties.</summary>
/// <param name="scores">The scores in snake case, or null where nothing was measured.</param>
/// <param name="prefix">What the names of note properties begin with.</param>
internal sealed class Scores(IReadOnlyDictionary<string, double>? scores, string prefix = "")
{
    private static readonly string[] s_known = ["f1", "iou", "precision", "recall", "accuracy", "mean_f1", "mean_iou", "mean_precision", "mean_recall"];

    /// <summary>A well-known score; null where it was not measured.</summary>
    public double? this[string name] => scores?.TryGetValue(name, out double score) == true ? score : null;

    /// <summary>The object with a note property for each other score, named as PowerShell names things.</summary>
    public PSObject AddOthersTo(object value)
    {
        PSObject wrapped = PSObject.AsPSObject(value);
        foreach ((string name, double score) in (scores ?? new Dictionary<string, double>()).Where(score => !s_known.Contains(score.Key)).OrderBy(score => score.Key, StringComparer.Ordinal))
            wrapped.Properties.Add(new PSNoteProperty(prefix + PascalCase(name), score));

        return wrapped;
    }

    private static string PascalCase(string name) => string.Concat(name.Split('_', '/', '-', ' ').Where(part => part.Length > 0).Select(part => char.ToUpperInvariant(part[0]) + part[1..]));
}
