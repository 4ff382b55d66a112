using System.Management.Automation;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Output;

/// <summary>One complete epoch of a run, as Start-Training writes it when the epoch ends.</summary>
public sealed record TrainingEpoch
{
    /// <summary>The run's id.</summary>
    public required string RunId { get; init; }

    /// <summary>The epoch, from 0, as its folder in the run is numbered.</summary>
    public required int Epoch { get; init; }

    /// <summary>The epochs that the run is to train.</summary>
    public required int Epochs { get; init; }

    /// <summary>The mean loss over the epoch's steps.</summary>
    public required double TrainLoss { get; init; }

    /// <summary>The validation's F1: of class 1 where there are two classes, else the mean; null where none was due.</summary>
    public double? F1 { get; init; }

    /// <summary>The validation's intersection over union, likewise.</summary>
    public double? Iou { get; init; }

    /// <summary>The validation's precision, likewise.</summary>
    public double? Precision { get; init; }

    /// <summary>The validation's recall, likewise.</summary>
    public double? Recall { get; init; }

    /// <summary>The share of pixels that the validation found right.</summary>
    public double? Accuracy { get; init; }

    /// <summary>The validation's mean F1 over all classes.</summary>
    public double? MeanF1 { get; init; }

    /// <summary>The validation's mean intersection over union over all classes.</summary>
    public double? MeanIou { get; init; }

    /// <summary>The validation's mean precision over all classes.</summary>
    public double? MeanPrecision { get; init; }

    /// <summary>The validation's mean recall over all classes.</summary>
    public double? MeanRecall { get; init; }

    /// <summary>Whether its checkpoint is the best so far.</summary>
    public required bool IsBest { get; init; }

    /// <summary>The learning rate of the last step.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Training samples a second.</summary>
    public required double SamplesPerSecond { get; init; }

    /// <summary>The share of the training time that waited for data, 0 to 100.</summary>
    public required double DataWaitPercent { get; init; }

    /// <summary>Workers at the end of the epoch; null where the trainer does not say.</summary>
    public int? Workers { get; init; }

    /// <summary>Decoding, summed over workers.</summary>
    public double? DecodeSeconds { get; init; }

    /// <summary>Augmenting, summed over workers.</summary>
    public double? AugmentSeconds { get; init; }

    /// <summary>Workers waiting for a free slot, summed over workers.</summary>
    public double? SlotWaitSeconds { get; init; }

    /// <summary>The trainer waiting for a batch.</summary>
    public double? DataWaitSeconds { get; init; }

    /// <summary>Samples delivered.</summary>
    public int? Delivered { get; init; }

    /// <summary>How often a sample was loaded again.</summary>
    public int? Retried { get; init; }

    /// <summary>Samples that were not delivered; the epoch's ledger.json names them with the reason.</summary>
    public int? Skipped { get; init; }

    /// <summary>Samples in quarantine that the epoch met.</summary>
    public int? Quarantined { get; init; }

    /// <summary>How often a worker died or stood still.</summary>
    public int? WorkerFailures { get; init; }

    /// <summary>SHA-256 over what was delivered, in its order.</summary>
    public string? LedgerDigest { get; init; }

    /// <summary>The whole epoch, validation included.</summary>
    public required double DurationSeconds { get; init; }

    /// <summary>When it ended, local time.</summary>
    public required DateTime EndTime { get; init; }

    /// <summary>The run's folder.</summary>
    public required string RunPath { get; init; }

    /// <summary>The epoch as an object for the pipeline; scores of validation sets become note properties.</summary>
    internal static PSObject From(EpochFinished finished, RunStarted run)
    {
        var scores = new Scores(finished.Scores);
        return scores.AddOthersTo(new TrainingEpoch
        {
            RunId = run.RunId,
            RunPath = run.RunPath,
            Epoch = finished.Epoch,
            Epochs = run.Epochs,
            TrainLoss = finished.TrainLoss,
            F1 = scores.Take("f1"),
            Iou = scores.Take("iou"),
            Precision = scores.Take("precision"),
            Recall = scores.Take("recall"),
            Accuracy = scores.Take("accuracy"),
            MeanF1 = scores.Take("mean_f1"),
            MeanIou = scores.Take("mean_iou"),
            MeanPrecision = scores.Take("mean_precision"),
            MeanRecall = scores.Take("mean_recall"),
            IsBest = finished.IsBest,
            LearningRate = finished.LearningRate,
            SamplesPerSecond = finished.SamplesPerSecond,
            DataWaitPercent = 100 * finished.DataWaitShare,
            Workers = finished.Loader?.Workers,
            DecodeSeconds = finished.Loader?.DecodeSeconds,
            AugmentSeconds = finished.Loader?.AugmentSeconds,
            SlotWaitSeconds = finished.Loader?.SlotWaitSeconds,
            DataWaitSeconds = finished.Loader?.ConsumerWaitSeconds,
            Delivered = finished.Loader?.Delivered,
            Retried = finished.Loader?.Retried,
            Skipped = finished.Loader?.Skipped,
            Quarantined = finished.Loader?.Quarantined,
            WorkerFailures = finished.Loader?.WorkerFailures,
            LedgerDigest = finished.Loader?.Digest,
            DurationSeconds = finished.DurationSeconds,
            EndTime = finished.Time.LocalDateTime,
        });
    }
}

/// <summary>Scores by name on their way into flat objects: the well-known ones become properties, the others note properties.</summary>
/// <param name="scores">The scores in snake case, or null where nothing was measured.</param>
internal sealed class Scores(IEnumerable<KeyValuePair<string, double>>? scores)
{
    private readonly Dictionary<string, double> _left = new(scores ?? []);

    /// <summary>The score of a name, which is then no longer among the others.</summary>
    public double? Take(string name) => _left.Remove(name, out double score) ? score : null;

    /// <summary>The object with a note property for each score that was not taken, named as PowerShell names things.</summary>
    public PSObject AddOthersTo(object value)
    {
        PSObject wrapped = PSObject.AsPSObject(value);
        foreach ((string name, double score) in _left.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            wrapped.Properties.Add(new PSNoteProperty(PascalCase(name), score));

        return wrapped;
    }

    private static string PascalCase(string name) => string.Concat(name.Split('_', '/', '-', ' ').Where(part => part.Length > 0).Select(part => char.ToUpperInvariant(part[0]) + part[1..]));
}
