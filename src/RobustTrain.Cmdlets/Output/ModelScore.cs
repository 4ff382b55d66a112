using System.Management.Automation;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Output;

/// <summary>The scores of a checkpoint on a dataset, as Measure-Model writes them.</summary>
public sealed record ModelScore
{
    private readonly EvaluationFinished _finished;
    private readonly ScoreProperties _scores;

    private ModelScore(EvaluationFinished finished) => (_finished, _scores) = (finished, new ScoreProperties(finished.Scores, finished.ScoreNames));

    /// <summary>The split that was scored: train, val or test.</summary>
    public string Split => _finished.Split;

    /// <summary>The samples scored.</summary>
    public int Samples => _finished.Samples;

    /// <summary>The scores by their names in the configuration. Each is also a property of its own, as F1, null where it is not defined.</summary>
    public NamedScores Scores => _scores.Named;

    /// <summary>The score that decides which epoch is best.</summary>
    public string BestMetric => _finished.BestMetric ?? ScoreProperties.ChangeMetric;

    /// <summary>What was learned.</summary>
    public string Task => _finished.Task ?? ScoreProperties.ChangeTask;

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

    /// <summary>An evaluation as an object for the pipeline, with a note property for each score.</summary>
    internal static PSObject From(EvaluationFinished finished)
    {
        ModelScore score = new(finished);
        return score._scores.AddTo(score, score.Task);
    }
}
