using System.Management.Automation;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Output;

/// <summary>The scores of a checkpoint on a dataset, as Measure-Model writes them.</summary>
public sealed record ModelScore
{
    /// <summary>The split that was scored: train, val or test.</summary>
    public required string Split { get; init; }

    /// <summary>The samples scored.</summary>
    public required int Samples { get; init; }

    /// <summary>F1: of class 1 where there are two classes, else the mean.</summary>
    public double? F1 { get; init; }

    /// <summary>Intersection over union, likewise.</summary>
    public double? Iou { get; init; }

    /// <summary>Precision, likewise.</summary>
    public double? Precision { get; init; }

    /// <summary>Recall, likewise.</summary>
    public double? Recall { get; init; }

    /// <summary>The share of pixels found right.</summary>
    public double? Accuracy { get; init; }

    /// <summary>The mean F1 over all classes.</summary>
    public double? MeanF1 { get; init; }

    /// <summary>The mean intersection over union over all classes.</summary>
    public double? MeanIou { get; init; }

    /// <summary>The mean precision over all classes.</summary>
    public double? MeanPrecision { get; init; }

    /// <summary>The mean recall over all classes.</summary>
    public double? MeanRecall { get; init; }

    /// <summary>The best F1 that thresholded differencing reaches on the same samples, with -Baseline.</summary>
    public double? DifferencingF1 { get; init; }

    /// <summary>The last epoch, from 0, that the checkpoint's weights have seen whole; null where there is none.</summary>
    public int? Epoch { get; init; }

    /// <summary>How long it took.</summary>
    public required double DurationSeconds { get; init; }

    /// <summary>The dataset's folder.</summary>
    public required string DataPath { get; init; }

    /// <summary>The checkpoint's folder.</summary>
    public required string CheckpointPath { get; init; }

    /// <summary>An evaluation as an object for the pipeline; scores without a property of their own become note properties.</summary>
    internal static PSObject From(EvaluationFinished finished)
    {
        var scores = new Scores(finished.Scores);
        return scores.AddOthersTo(new ModelScore
        {
            Split = finished.Split,
            Samples = finished.Samples,
            F1 = scores.Take("f1"),
            Iou = scores.Take("iou"),
            Precision = scores.Take("precision"),
            Recall = scores.Take("recall"),
            Accuracy = scores.Take("accuracy"),
            MeanF1 = scores.Take("mean_f1"),
            MeanIou = scores.Take("mean_iou"),
            MeanPrecision = scores.Take("mean_precision"),
            MeanRecall = scores.Take("mean_recall"),
            DifferencingF1 = finished.DifferencingF1,
            Epoch = finished.Epoch,
            DurationSeconds = finished.DurationSeconds,
            DataPath = finished.DataPath,
            CheckpointPath = finished.Checkpoint,
        });
    }
}
