using System.Management.Automation;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Output;

/// <summary>The scores of a checkpoint on a dataset, as Measure-Model writes them.</summary>
public sealed record ModelScore
{
    private readonly EvaluationFinished _finished;
    private readonly Scores _scores;

    private ModelScore(EvaluationFinished finished) => (_finished, _scores) = (finished, new Scores(finished.Scores));

    /// <summary>The split that was scored: train, val or test.</summary>
    public string Split => _finished.Split;

    /// <summary>The samples scored.</summary>
    public int Samples => _finished.Samples;

    /// <summary>F1: of class 1 where there are two classes, else the mean.</summary>
    public double? F1 => _scores["f1"];

    /// <summary>Intersection over union, likewise.</summary>
    public double? Iou => _scores["iou"];

    /// <summary>Precision, likewise.</summary>
    public double? Precision => _scores["precision"];

    /// <summary>Recall, likewise.</summary>
    public double? Recall => _scores["recall"];

    /// <summary>The share of pixels found right.</summary>
    public double? Accuracy => _scores["accuracy"];

    /// <summary>The mean F1 over all classes.</summary>
    public double? MeanF1 => _scores["mean_f1"];

    /// <summary>The mean intersection over union over all classes.</summary>
    public double? MeanIou => _scores["mean_iou"];

    /// <summary>The mean precision over all classes.</summary>
    public double? MeanPrecision => _scores["mean_precision"];

    /// <summary>The mean recall over all classes.</summary>
    public double? MeanRecall => _scores["mean_recall"];

    /// <summary>The best F1 that thresholded differencing reaches on the same samples, with -Baseline.</summary>
    public double? DifferencingF1 => _finished.DifferencingF1;

    /// <summary>The PSNR of brightness in decibels that bicubic interpolation reaches on the same images, with -Baseline, in super-resolution.</summary>
    public double? BicubicPsnrY => _finished.BicubicPsnrY;

    /// <summary>The pictures of the worst and the best samples, with -PicturePath.</summary>
    public IReadOnlyList<string>? PicturePaths => _finished.Pictures;

    /// <summary>The last epoch, from 0, that the checkpoint's weights have seen whole; null where there is none.</summary>
    public int? Epoch => _finished.Epoch;

    /// <summary>How long it took.</summary>
    public double DurationSeconds => _finished.DurationSeconds;

    /// <summary>The dataset's folder.</summary>
    public string DataPath => _finished.DataPath;

    /// <summary>The checkpoint's folder.</summary>
    public string CheckpointPath => _finished.Checkpoint;

    /// <summary>An evaluation as an object for the pipeline; scores without a property of their own become note properties.</summary>
    internal static PSObject From(EvaluationFinished finished)
    {
        ModelScore score = new(finished);
        return score._scores.AddOthersTo(score);
    }
}
