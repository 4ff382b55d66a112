using System.Text.Json.Serialization;
using RobustTrain.Configuration;

namespace RobustTrain.Runs.Events;

/// <summary>
/// One line of a run's journal: a JSON object with <c>event</c> (the kind), <c>time</c> (UTC) and the properties of the kind
/// in snake case. Readers skip kinds that they do not know.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "event")]
[JsonDerivedType(typeof(RunStarted), "run_started")]
[JsonDerivedType(typeof(StageStarted), "stage_started")]
[JsonDerivedType(typeof(EpochStarted), "epoch_started")]
[JsonDerivedType(typeof(StepFinished), "step")]
[JsonDerivedType(typeof(EpochFinished), "epoch_finished")]
[JsonDerivedType(typeof(EvaluationProgress), "evaluation_progress")]
[JsonDerivedType(typeof(CheckpointSaved), "checkpoint_saved")]
[JsonDerivedType(typeof(TestFinished), "test_finished")]
[JsonDerivedType(typeof(NumericFailureHandled), "numeric_failure")]
[JsonDerivedType(typeof(MicroBatchHalved), "micro_batch_halved")]
[JsonDerivedType(typeof(LossScaleHalved), "loss_scale_halved")]
[JsonDerivedType(typeof(StoppedEarly), "stopped_early")]
[JsonDerivedType(typeof(RanksMeasured), "ranks_measured")]
[JsonDerivedType(typeof(RankLost), "rank_lost")]
[JsonDerivedType(typeof(SystemSample), "system_sample")]
[JsonDerivedType(typeof(CostMeasured), "cost")]
[JsonDerivedType(typeof(RunWarning), "warning")]
[JsonDerivedType(typeof(StopRequested), "stop_requested")]
[JsonDerivedType(typeof(RunFinished), "run_finished")]
[JsonDerivedType(typeof(CheckProgress), "check_progress")]
[JsonDerivedType(typeof(ConfigurationChecked), "configuration_checked")]
[JsonDerivedType(typeof(ConfigurationWritten), "configuration_written")]
[JsonDerivedType(typeof(EvaluationFinished), "evaluation_finished")]
[JsonDerivedType(typeof(PredictionPlanned), "prediction_planned")]
[JsonDerivedType(typeof(PredictionProgress), "prediction_progress")]
[JsonDerivedType(typeof(PredictionMade), "prediction_made")]
[JsonDerivedType(typeof(ImagePredicted), "image_predicted")]
[JsonDerivedType(typeof(LabelPredicted), "label_predicted")]
[JsonDerivedType(typeof(PredictionFailed), "prediction_failed")]
[JsonDerivedType(typeof(ModelExported), "model_exported")]
[JsonDerivedType(typeof(LearningRateProgress), "learning_rate_progress")]
[JsonDerivedType(typeof(LearningRatesMeasured), "learning_rates_measured")]
[JsonDerivedType(typeof(SampleDataProgress), "sample_data_progress")]
[JsonDerivedType(typeof(SampleDataFinished), "sample_data_finished")]
[JsonDerivedType(typeof(DashboardStarted), "dashboard_started")]
[JsonDerivedType(typeof(LoaderChanged), "loader")]
[JsonDerivedType(typeof(LoaderEpoch), "loader_epoch")]
[JsonDerivedType(typeof(LoaderMeasured), "loader_measured")]
[JsonDerivedType(typeof(LoaderProgress), "loader_progress")]
[JsonDerivedType(typeof(FleetMemberChanged), "fleet_member")]
[JsonDerivedType(typeof(FleetHostChanged), "fleet_host")]
public abstract record RunEvent
{
    /// <summary>When it happened, UTC; the journal fills it in.</summary>
    public DateTimeOffset Time { get; init; }

    /// <summary>The rank at which it happened; null in a run of one rank.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Rank { get; init; }
}

/// <summary>How long the ranks of a run have computed, waited for data and waited for each other; written at most every ten seconds and at the end of an epoch.</summary>
/// <param name="Epoch">The epoch, from 0.</param>
/// <param name="GlobalStep">The steps of the run so far.</param>
/// <param name="Slowest">The rank that computed and waited for data longest: the others wait for it.</param>
/// <param name="Ranks">The ranks, in their order.</param>
public sealed record RanksMeasured(int Epoch, long GlobalStep, int Slowest, IReadOnlyList<RankFigures> Ranks) : RunEvent
{
    /// <summary>The slowest rank, in short; null where the event has no figures of it, or of no other.</summary>
    public SlowestRank? Summary()
    {
        RankFigures[] others = [.. Ranks.Where(rank => rank.Rank != Slowest)];
        if (others.Length == 0 || Ranks.FirstOrDefault(rank => rank.Rank == Slowest) is not { } own)
            return null;
        double mean = others.Average(rank => rank.StepSeconds + rank.DataSeconds);
        return new SlowestRank(Ranks.Count, Slowest, own.Host, mean > 0 ? Math.Round((own.StepSeconds + own.DataSeconds) / mean, 3) : 1);
    }
}

/// <summary>The rank for which the others of a run wait.</summary>
/// <param name="Ranks">All ranks.</param>
/// <param name="Rank">The slowest of them, from 0.</param>
/// <param name="Host">Its host.</param>
/// <param name="Ratio">How long it computes and waits for data, beside the others' mean.</param>
public sealed record SlowestRank(int Ranks, int Rank, string Host, double Ratio)
{
    /// <summary>It in a few words for people.</summary>
    public string Describe() => FormattableString.Invariant($"slowest of {Ranks} ranks: {Rank} on {Host}, {Ratio:0.00} times the others' mean");
}

/// <summary>Where the time of a rank went since the last such event of the epoch.</summary>
/// <param name="Rank">The rank, from 0.</param>
/// <param name="Host">Its host.</param>
/// <param name="Batches">Batches of which it computed its part.</param>
/// <param name="StepSeconds">Computing.</param>
/// <param name="DataSeconds">Waiting for its part of batches.</param>
/// <param name="WaitSeconds">Waiting for other ranks, and sending.</param>
public sealed record RankFigures(int Rank, string Host, int Batches, double StepSeconds, double DataSeconds, double WaitSeconds);

/// <summary>A rank is lost: killed, standing still, or cut off. The others end, to go on from the newest checkpoint.</summary>
/// <param name="LostRank">The rank, from 0; -1 for the launcher.</param>
/// <param name="Host">Its host.</param>
/// <param name="Step">The step in which it was awaited.</param>
/// <param name="AwaitedIn">The exchange in which it was awaited.</param>
/// <param name="Message">All that is known, in one sentence.</param>
public sealed record RankLost(int LostRank, string? Host, long Step, string AwaitedIn, string Message) : RunEvent;

/// <summary>A process has begun, or gone on with, the run.</summary>
public sealed record RunStarted(string RunId, string RunPath, int ProcessId, int Epochs, int StepsPerEpoch, int? ResumedFromEpoch) : RunEvent
{
    /// <summary>The checkpoint or file whose weights the training starts from; null where it starts from random ones or goes on.</summary>
    public string? StartedFrom { get; init; }

    /// <summary>The network's parameters (weights and biases of layers) that are not learned.</summary>
    public int FrozenParameters { get; init; }

    /// <summary>What is learned; null in journals from before there was a choice, which are of change detection.</summary>
    public string? Task { get; init; }

    /// <summary>The score that decides which epoch is best; null in such journals.</summary>
    public string? BestMetric { get; init; }

    /// <summary>The names of the scores of an epoch, those of validation sets included; null in such journals.</summary>
    public IReadOnlyList<string>? ScoreNames { get; init; }
}

/// <summary>A later stage of the training begins, or a process goes on with it.</summary>
/// <param name="Stage">Its name, as epoch-4.</param>
/// <param name="Epoch">The epoch that follows, from 0.</param>
/// <param name="GlobalStep">The step in the run that follows, from 0.</param>
/// <param name="StepsPerEpoch">The steps of an epoch from now on.</param>
/// <param name="Settings">What it changes, as <c>key=value</c>.</param>
public sealed record StageStarted(string Stage, int Epoch, long GlobalStep, int StepsPerEpoch, IReadOnlyList<string> Settings) : RunEvent;

/// <summary>An epoch begins.</summary>
public sealed record EpochStarted(int Epoch, double LearningRate) : RunEvent;

/// <summary>A training step is done; written at most every <c>log_interval_seconds</c>.</summary>
/// <param name="Epoch">The epoch, from 0.</param>
/// <param name="Step">The step in the epoch, from 0.</param>
/// <param name="GlobalStep">The step in the run, from 0.</param>
/// <param name="Loss">The step's loss.</param>
/// <param name="LearningRate">The step's learning rate.</param>
/// <param name="SamplesPerSecond">Since the last such event.</param>
/// <param name="DataWaitShare">The share of the time since the last such event that the trainer waited for data, 0 to 1.</param>
public sealed record StepFinished(int Epoch, int Step, long GlobalStep, double Loss, double LearningRate, double SamplesPerSecond, double DataWaitShare) : RunEvent
{
    /// <summary>How long the trainer has waited for data in this epoch so far, as far as this process has worked on it.</summary>
    public double EpochWaitSeconds { get; init; }
}

/// <summary>An epoch is complete: trained, validated where it is due, and copied to be saved; <see cref="CheckpointSaved"/> says when it is.</summary>
/// <param name="Epoch">The epoch, from 0.</param>
/// <param name="TrainLoss">The mean loss over the epoch's steps.</param>
/// <param name="Scores">The aggregated validation scores by name, or null where no validation was due.</param>
/// <param name="IsBest">Whether its checkpoint is the best so far.</param>
/// <param name="LearningRate">The learning rate of the last step.</param>
/// <param name="SamplesPerSecond">Training samples a second.</param>
/// <param name="DataWaitShare">The share of training time that waited for data, 0 to 1.</param>
/// <param name="DurationSeconds">The whole epoch, validation included.</param>
public sealed record EpochFinished(int Epoch, double TrainLoss, IReadOnlyDictionary<string, double>? Scores, bool IsBest, double LearningRate, double SamplesPerSecond, double DataWaitShare, double DurationSeconds) : RunEvent
{
    /// <summary>What the training's loader did in the epoch.</summary>
    public LoaderFigures? Loader { get; init; }

    /// <summary>What became of the training samples of all epochs so far.</summary>
    public LedgerTotals? LedgerTotals { get; init; }

    /// <summary>How long the trainer has waited for data, as far as this process has worked on the epoch.</summary>
    public double EpochWaitSeconds { get; init; }
}

/// <summary>A validation or a test goes on.</summary>
public sealed record EvaluationProgress(string Split, int Done, int Total) : RunEvent
{
    /// <summary>Batches that are computed at once.</summary>
    public int Workers { get; init; } = 1;
}

/// <summary>A checkpoint exists, whole, under its final name.</summary>
/// <param name="Path">Its folder.</param>
/// <param name="Epoch">Its epoch, from 0.</param>
/// <param name="GlobalStep">The steps of the run that it holds.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="DurationSeconds">From when it was taken until it was on disk.</param>
/// <param name="HeldSeconds">How long taking it has held the training: the copy to memory.</param>
public sealed record CheckpointSaved(string Path, int Epoch, long GlobalStep, long Bytes, double DurationSeconds, double HeldSeconds = 0) : RunEvent
{
    /// <summary>The epoch that it completes, from 0; null where it was taken within one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? CompletedEpoch { get; init; }
}

/// <summary>The test with the best checkpoint is done.</summary>
public sealed record TestFinished(int BestEpoch, IReadOnlyDictionary<string, double> Scores) : RunEvent;

/// <summary>A loss or a gradient went wrong, and the policy let the training go on.</summary>
/// <param name="Epoch">The epoch, from 0.</param>
/// <param name="GlobalStep">The step in the run, from 0.</param>
/// <param name="Problem">What was wrong, in one sentence.</param>
/// <param name="Action">skip or rollback.</param>
/// <param name="Samples">The names of the step's samples.</param>
/// <param name="Failures">How many there were in this run, this one included.</param>
/// <param name="LearningRateFactor">The factor of the learning rate from now on.</param>
public sealed record NumericFailureHandled(
    int Epoch, long GlobalStep, string Problem, string Action, IReadOnlyList<string> Samples, int Failures, double LearningRateFactor) : RunEvent;

/// <summary>Memory was short, so that from now on fewer samples are computed at once; the step's size stays.</summary>
/// <param name="Epoch">The epoch, from 0.</param>
/// <param name="GlobalStep">The step in the run, from 0.</param>
/// <param name="SamplesAtOnce">Samples that are computed at once from now on.</param>
public sealed record MicroBatchHalved(int Epoch, long GlobalStep, int SamplesAtOnce) : RunEvent;

/// <summary>A step in 16 bits is left out, since its gradient was too large for them; the next ones are computed with half the factor.</summary>
/// <param name="Epoch">The epoch, from 0.</param>
/// <param name="GlobalStep">The step.</param>
/// <param name="Factor">What losses are multiplied by from now on.</param>
public sealed record LossScaleHalved(int Epoch, long GlobalStep, double Factor) : RunEvent;

/// <summary>No better epoch is awaited any more.</summary>
/// <param name="Epoch">The last epoch, from 0.</param>
/// <param name="BestEpoch">The best epoch, from 0.</param>
/// <param name="Patience">The epochs that were waited for a better one.</param>
public sealed record StoppedEarly(int Epoch, int BestEpoch, int Patience) : RunEvent;

/// <summary>The trainer's host beside a step, so that a run shows at once what it waits for; written at most every ten seconds.</summary>
/// <param name="GlobalStep">The step in the run, from 0.</param>
/// <param name="DataWaitShare">The step's share of time that the trainer waited for data, 0 to 1.</param>
/// <param name="CpuPercent">All cores' mean utilisation over the last ten seconds, in percent.</param>
/// <param name="MemoryUsedBytes">Memory in use on the host.</param>
/// <param name="MemoryTotalBytes">All memory of the host.</param>
/// <param name="Gpus">The host's GPUs; none where it has none that can be read.</param>
public sealed record SystemSample(
    long GlobalStep, double DataWaitShare, double? CpuPercent, long? MemoryUsedBytes, long? MemoryTotalBytes, IReadOnlyList<GpuSample> Gpus) : RunEvent;

/// <summary>What this process has used for the run since it began; written at most every ten seconds, at the end of an epoch, and at its own.</summary>
/// <param name="DurationSeconds">How long it has worked.</param>
/// <param name="GpuSeconds">The same for each GPU that it trains on, summed; null where it trains on the CPU.</param>
/// <param name="CpuSeconds">Its processor time, of process workers once they have ended.</param>
/// <param name="EnergyJoules">What these GPUs have used by their own counters; null where they have none.</param>
/// <param name="DataWaitSeconds">How long the training waited for samples.</param>
public sealed record CostMeasured(double DurationSeconds, double? GpuSeconds, double CpuSeconds, double? EnergyJoules, double DataWaitSeconds) : RunEvent
{
    /// <summary>The process.</summary>
    public int ProcessId { get; init; }
}

/// <summary>Something that the operator should know and that did not end the run.</summary>
public sealed record RunWarning(string Message) : RunEvent
{
    /// <summary>The kind, in snake case, of a warning that a dataset gives; null for all others.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Kind { get; init; }

    /// <summary>How many files such a warning is about; null for all others.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Count { get; init; }

    /// <summary>All of these files, full paths, or pairs, by their names; null for all other warnings.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Files { get; init; }

    /// <summary>Whether the message names all of them.</summary>
    [JsonIgnore]
    public bool NamesAll => Files is null || Files.All(file => Message.Contains($"'{file}'", StringComparison.Ordinal));
}

/// <summary>The run was asked to stop with a checkpoint.</summary>
/// <param name="Reason">Who asked, for people: a signal, a line on standard input, the end of the life line.</param>
public sealed record StopRequested(string Reason) : RunEvent;

/// <summary>The process ends.</summary>
/// <param name="State">finished, stopped or failed.</param>
/// <param name="ExitCode">The exit code.</param>
/// <param name="Error">One sentence, where it failed.</param>
/// <param name="ErrorId">The error's stable id, where it failed.</param>
public sealed record RunFinished(string State, int ExitCode, string? Error, string? ErrorId) : RunEvent
{
    /// <summary>The file or folder at fault, where the data is to blame: a full path.</summary>
    public string? Target { get; init; }
}

/// <summary>How far <c>robusttrain config check</c> is with reading the data.</summary>
/// <param name="Done">The pairs of images that it has read.</param>
/// <param name="Total">The pairs of all splits.</param>
public sealed record CheckProgress(int Done, int Total) : RunEvent;

/// <summary>A configuration has been checked, by <c>robusttrain config check</c>.</summary>
/// <param name="Errors">Its mistakes; none where it is good.</param>
/// <param name="Device">The device on which it would train; null, as all that follow, where mistakes leave it open.</param>
/// <param name="TrainingSamples">The samples of an epoch.</param>
/// <param name="ValidationSamples">The samples of a validation.</param>
/// <param name="TestSamples">The samples of the test.</param>
/// <param name="StepsPerEpoch">The steps of an epoch.</param>
public sealed record ConfigurationChecked(IReadOnlyList<ConfigurationError> Errors, string? Device, int? TrainingSamples, int? ValidationSamples, int? TestSamples, int? StepsPerEpoch) : RunEvent
{
    /// <summary>The folder of the run that would begin or go on; null where there are mistakes.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? RunPath { get; init; }
}

/// <summary>A configuration has been written to start from, by <c>robusttrain config new</c>.</summary>
/// <param name="Path">The file.</param>
/// <param name="Task">What it is to learn.</param>
public sealed record ConfigurationWritten(string Path, string Task) : RunEvent;

/// <summary>A checkpoint has been scored, by <c>robusttrain evaluate</c>.</summary>
/// <param name="Checkpoint">The checkpoint's folder.</param>
/// <param name="Epoch">The last epoch that its weights have seen whole, from 0; null where there is none.</param>
/// <param name="DataPath">The dataset's folder.</param>
/// <param name="Split">train, val or test.</param>
/// <param name="Samples">The samples scored.</param>
/// <param name="Scores">The aggregated scores by name.</param>
/// <param name="DifferencingF1">The best F1 of thresholded differencing on the same split, where it was asked for.</param>
/// <param name="DurationSeconds">How long scoring took.</param>
public sealed record EvaluationFinished(string Checkpoint, int? Epoch, string DataPath, string Split, int Samples, IReadOnlyDictionary<string, double> Scores, double? DifferencingF1, double DurationSeconds) : RunEvent
{
    /// <summary>What was learned; null where the event does not say it, which is change detection.</summary>
    public string? Task { get; init; }

    /// <summary>The score that decides which epoch is best.</summary>
    public string? BestMetric { get; init; }

    /// <summary>The names of the scores.</summary>
    public IReadOnlyList<string>? ScoreNames { get; init; }

    /// <summary>The pixels, row-major: truth by row, prediction by column.</summary>
    public IReadOnlyList<long>? Confusion { get; init; }

    /// <summary>The pictures of the worst and the best samples, where they were asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Pictures { get; init; }

    /// <summary>The F1 of thresholded differencing with the threshold that is best on the training split, where it was asked for.</summary>
    public double? TrainedDifferencingF1 { get; init; }

    /// <summary>Its pixels, as <see cref="Confusion"/> has them.</summary>
    public IReadOnlyList<long>? TrainedDifferencingConfusion { get; init; }

    /// <summary>The PSNR of brightness that bicubic interpolation reaches on the same images, in decibels, where it was asked for.</summary>
    public double? BicubicPsnrY { get; init; }
}

/// <summary>A scene, or another part, of the sample data is written.</summary>
public sealed record SampleDataProgress(string Scene, int Done, int Total) : RunEvent;

/// <summary>The sample data is written.</summary>
/// <param name="Path">Its folder, absolute.</param>
/// <param name="Scenes">Its scenes, or other parts.</param>
/// <param name="Seed">The seed that makes the same bytes again.</param>
/// <param name="ChangedShare">The share of changed pixels in the test split, 0 to 1; null where the task is not change-detection.</param>
/// <param name="DifferencingF1">The best F1 of thresholded differencing on the test split; null where the task is not change-detection.</param>
/// <param name="DurationSeconds">How long it took, the measurement included.</param>
public sealed record SampleDataFinished(string Path, int Scenes, long Seed, double? ChangedShare, double? DifferencingF1, double DurationSeconds) : RunEvent
{
    /// <summary>The task that it is for.</summary>
    public string Task { get; init; } = "change-detection";
}

/// <summary>One GPU in a <see cref="SystemSample"/>; what the device does not tell is null.</summary>
/// <param name="Index">Its index in the order of the PCI bus.</param>
/// <param name="Uuid">Its UUID.</param>
/// <param name="UtilizationPercent">The mean share of time in which a kernel ran over the last ten seconds, in percent.</param>
/// <param name="MemoryUsedBytes">Memory in use.</param>
/// <param name="MemoryTotalBytes">All memory.</param>
/// <param name="TemperatureCelsius">Its temperature.</param>
/// <param name="PowerWatts">The power drawn.</param>
public sealed record GpuSample(
    int Index, string? Uuid, double? UtilizationPercent, long? MemoryUsedBytes, long? MemoryTotalBytes, int? TemperatureCelsius, double? PowerWatts);
