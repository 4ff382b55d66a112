using System.Runtime.ExceptionServices;
using RobustTrain.Data;
using RobustTrain.Data.Loading.Ledger;
using RobustTrain.Data.Ordering;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Distributed;
using RobustTrain.Training.Evaluation;
using RobustTrain.Training.Loading;
using RobustTrain.Training.Native;
using static TorchSharp.torch;

namespace RobustTrain.Training.Loop;

/// <summary>
/// What the ranks tell each other of each batch, in one small message, so that all take the same decisions: which samples have come, the shards'
/// losses, whether memory was short, whether one is to stop. From it each rank keeps the account of the samples of all of them.
/// </summary>
/// <param name="ranks">The ranks.</param>
/// <param name="plan">The training.</param>
/// <param name="journal">The run's journal.</param>
/// <param name="control">Says where to stop; null where nobody asks.</param>
/// <param name="quarantine">The samples that loaders go without; null where there is none to share.</param>
/// <param name="time">The clock.</param>
internal sealed class BatchAgreement(Ranks ranks, TrainingPlan plan, RankJournal journal, RankControl? control, QuarantineState? quarantine, TimeProvider time)
{
    private readonly RankTimes _times = new(ranks, journal, time);
    private readonly WeightCheck _weights = new(ranks, plan.Config.Trainer.DriftCheckSteps);
    private ReportShape _shape;
    private Exception? _failure;
    private double _dataSeconds;
    private double _waitSeconds;
    private int _toldEntries;
    private int _toldFailures;

    /// <summary>The ranks.</summary>
    public Ranks Ranks => ranks;

    /// <summary>The account of the epoch over all ranks, up to the last batch; null in a run of one rank, whose loader keeps it.</summary>
    public EpochLedger? Ledger { get; private set; }

    /// <summary>An agreement of one rank with itself.</summary>
    public static BatchAgreement OfOne(TrainingPlan plan, IRunJournal journal) =>
        new(Ranks.Single, plan, new RankJournal(journal, Ranks.Single), control: null, quarantine: null, TimeProvider.System);

    /// <summary>Says what a report has of everything, and which weights must be the same at all ranks.</summary>
    public void Prepare(ReportShape shape, Func<IEnumerable<(string Name, Tensor Weight)>> weights)
    {
        _shape = shape;
        _weights.Of = weights;
    }

    /// <summary>Begins an epoch, or goes on with it.</summary>
    /// <param name="epoch">The epoch.</param>
    /// <param name="former">The account of its batches so far.</param>
    public void BeginEpoch(int epoch, EpochLedger? former)
    {
        if (ranks.IsAlone)
            return;
        Ledger = former ?? EpochLedger.Begin(epoch);
        _toldEntries = _toldFailures = 0;
    }

    /// <summary>Ends an epoch: tells the journal how long the ranks took.</summary>
    public void EndEpoch(TrainingCursor cursor) => _times.Write(cursor);

    /// <summary>
    /// The next batch. Of several ranks each has a part of every batch; what one can't load, or does not wait for, comes as a batch that is missing,
    /// since the others have to be told.
    /// </summary>
    /// <returns>Null at the epoch's end, or in a run of one rank where a stop is asked for.</returns>
    public TrainingBatch? Next(BatchFeed feed, int index)
    {
        if (ranks.IsAlone)
            return feed.Next();
        if (index >= plan.BatchCount)
            return null;
        long began = time.GetTimestamp();
        try
        {
            return feed.Next() ?? TrainingBatch.Missing(index);
        }
        catch (Exception failed) when (failed is not RankLostException)
        {
            return TrainingBatch.Missing(index, failed);
        }
        finally
        {
            _dataSeconds += time.GetElapsedTime(began).TotalSeconds;
        }
    }

    /// <summary>A report of a batch, to be filled in.</summary>
    public RankReport NewReport(TrainingBatch batch)
    {
        RankReport report = new(_shape) { Batch = batch.Index };
        if (batch.IsMissing)
            report.Status = batch.Failure is null ? RankStatus.Interrupted : RankStatus.Failed;
        _failure = batch.Failure;
        return report;
    }

    /// <summary>Notes what went wrong where this rank has computed.</summary>
    public void Fail(RankReport report, Exception failure)
    {
        report.Status = TorchFailure.IsOutOfMemory(failure) ? RankStatus.OutOfMemory : RankStatus.Failed;
        _failure = failure;
    }

    /// <summary>Measures what this rank computes, without what it waits for meanwhile.</summary>
    public void Measure(RankReport report, Action compute)
    {
        (long began, double waited) = (time.GetTimestamp(), _waitSeconds);
        compute();
        report.ComputeSeconds = time.GetElapsedTime(began).TotalSeconds - (_waitSeconds - waited);
    }

    /// <summary>Measures what this rank waits for.</summary>
    public T MeasureWait<T>(Func<T> wait)
    {
        long began = time.GetTimestamp();
        T result = wait();
        _waitSeconds += time.GetElapsedTime(began).TotalSeconds;
        return result;
    }

    /// <summary>Tells this rank's report, and hears the others'.</summary>
    /// <param name="own">The report.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="start">Where the step begins.</param>
    /// <param name="isFirstOfStep">Whether no batch of the step has come before.</param>
    /// <exception cref="OutOfMemoryException">The memory of another rank was short; where it was this one's, what torch threw.</exception>
    /// <exception cref="Runs.RunException">A rank failed, or the ranks' weights are not the same.</exception>
    /// <exception cref="SkipBudgetException">The ranks together have skipped more samples than they may.</exception>
    public AgreedBatch Agree(RankReport own, TrainingBatch batch, TrainingCursor start, bool isFirstOfStep)
    {
        if (ranks.IsAlone)
            return new AgreedBatch([own], batch.SampleIndices);

        bool isChecked = isFirstOfStep && _weights.IsDue(start.GlobalStep);
        if (isChecked)
            own.Weights = _weights.Checksum();
        byte[] news = NewsOf(own, batch).ToBytes();
        own.NewsBytes = news.Length;
        own.WantsStop = control?.IsThisAskedToStop == true;
        own.WantsCheckpoint = control?.TakeOwnCheckpointRequest() == true;
        (own.DataSeconds, own.WaitSeconds) = (_dataSeconds, _waitSeconds);
        (_dataSeconds, _waitSeconds) = (0, 0);

        IReadOnlyList<RankReport> reports = MeasureWait(() => Exchange(own, start.GlobalStep));
        IReadOnlyList<RankNews> told = reports.Any(report => report.NewsBytes > 0)
            ? [.. ranks.GatherParts(news, [.. reports.Select(report => (long)report.NewsBytes)], new CollectivePurpose("news", start.GlobalStep)).Select(RankNews.Of)]
            : [];
        _times.Add(reports, start);
        Learn(told);
        if (told.Select(each => each.Failure).OfType<RankFailure>().FirstOrDefault() is { } failure)
            Throw(ranks.Fail(failure, _failure));
        if (isChecked)
            _weights.Compare([.. reports.Select(report => report.Weights)], start.GlobalStep);

        control?.Agree(reports.Any(report => report.WantsStop || report.Status == RankStatus.Interrupted), reports.Any(report => report.WantsCheckpoint));
        if (reports.Any(report => report.Status == RankStatus.Interrupted))
            return new AgreedBatch(reports, []);
        if (reports.ToList().FindIndex(report => report.Status == RankStatus.OutOfMemory) is var hungry and >= 0)
            Throw(own.Status == RankStatus.OutOfMemory ? _failure! : new OutOfMemoryException($"The memory of rank {hungry} was not enough."));
        return new AgreedBatch(reports, Deliver(batch.Index, start, reports));
    }

    private static void Throw(Exception exception) => ExceptionDispatchInfo.Throw(exception);

    private IReadOnlyList<RankReport> Exchange(RankReport own, long step)
    {
        using MemoryStream written = new();
        own.Write(written);
        IEnumerable<byte[]> all = ranks.GatherParts(written.ToArray(), [.. Enumerable.Repeat(written.Length, ranks.Size)], new CollectivePurpose("agreement", step));
        return [.. all.Select(bytes => RankReport.Read(new MemoryStream(bytes), _shape))];
    }

    // What is new at this rank; and, into its report, which samples have come.
    private RankNews NewsOf(RankReport own, TrainingBatch batch)
    {
        RankNews news = new()
        {
            Failure = own.Status == RankStatus.Failed ? RankFailure.Of(_failure!, ranks.Rank) : null,
            Events = journal.Take(),
            Quarantined = quarantine?.TakeFound() ?? new Dictionary<string, IReadOnlyList<Data.Loading.Recovery.QuarantineEntry>>(),
        };
        if (batch.IsMissing)
            return news;
        int first = PartOf(plan.WholeCountOf(Ledger!.Epoch, batch.Index), ranks.Rank);
        foreach (int position in batch.Positions)
            own.Delivered[position - first] = true;
        news = news with
        {
            Entries = [.. batch.Ledger.Entries.Skip(_toldEntries)],
            WorkerFailures = batch.Ledger.WorkerFailures - _toldFailures,
        };
        (_toldEntries, _toldFailures) = (batch.Ledger.Entries.Count, batch.Ledger.WorkerFailures);
        return news;
    }

    private void Learn(IReadOnlyList<RankNews> told)
    {
        for (int rank = 0; rank < told.Count; rank++)
        {
            RankNews news = told[rank];
            Ledger = Ledger!.Add([.. news.Entries.Select(entry => entry with { Worker = entry.Worker.Length == 0 ? "" : $"{Name(rank)}: {entry.Worker}" })], news.WorkerFailures);
            if (rank == ranks.Rank)
                continue;
            quarantine?.Learn(news.Quarantined);
            foreach (RunEvent happened in news.Events)
                journal.Write(happened);
        }
    }

    // The samples of the batch over all ranks, in its order.
    private int[] Deliver(int batch, TrainingCursor start, IReadOnlyList<RankReport> reports)
    {
        EpochPlan epoch = plan.EpochPlanOf(start.Epoch);
        int planned = epoch.CountOf(batch);
        List<int> indices = [];
        List<KeyValuePair<string, int>> by = [];
        for (int rank = 0; rank < ranks.Size; rank++)
        {
            int before = indices.Count;
            int first = PartOf(planned, rank);
            for (int position = first; position < PartOf(planned, rank + 1); position++)
            {
                if (reports[rank].Delivered[position - first])
                    indices.Add(epoch[batch, position].Index);
            }

            by.Add(new(Name(rank), indices.Count - before));
        }

        int[] samples = [.. indices];
        Ledger = Ledger!.Deliver(samples, by);
        int limit = plan.TrainingLoaderOptions.MaxSkippedOf(epoch.PlaceCount);
        if (Ledger.Skipped > limit)
            throw ranks.FailTogether(SkipBudgetException.Of(start.Epoch, Ledger.Entries, limit, plan.TrainingLoaderOptions));
        return samples;
    }

    private static string Name(int rank) => FormattableString.Invariant($"rank {rank}");

    private int PartOf(int planned, int rank) => (int)((long)planned * rank / ranks.Size);
}

/// <summary>What all ranks know of a batch.</summary>
/// <param name="Reports">The ranks' reports.</param>
/// <param name="Samples">The dataset's indices of its samples, in its order.</param>
internal sealed record AgreedBatch(IReadOnlyList<RankReport> Reports, IReadOnlyList<int> Samples)
{
    /// <summary>Whether a rank does not have its part, since it was asked to stop.</summary>
    public bool IsInterrupted => Reports.Any(report => report.Status == RankStatus.Interrupted);

    /// <summary>The loss of each shard.</summary>
    public double[] Losses => [.. Reports.SelectMany(report => report.Losses)];

    /// <summary>The first rank at which autograd has named an operation; null where none has.</summary>
    public int? FirstNaNRank => Reports.Select((report, rank) => (report, rank)).Where(item => item.report.HasNaNOperation).Select(item => (int?)item.rank).FirstOrDefault();

    /// <summary>The rank of the first shard whose loss is not finite; the first rank where all are.</summary>
    public int FirstFaultyRank => Reports.Select((report, rank) => (report, rank)).FirstOrDefault(item => item.report.Losses.Any(loss => !double.IsFinite(loss))).rank;

    /// <summary>Whether a parameter has got a gradient.</summary>
    public bool HasGradient(int parameter) => Reports.Any(report => report.Gradients[parameter]);

    /// <summary>By how much a counter has been raised, at most.</summary>
    public long Counted(int counter) => Reports.Max(report => report.Counters[counter]);
}

/// <summary>Adds up where the ranks' time goes, and tells it now and then.</summary>
internal sealed class RankTimes(Ranks ranks, IRunJournal journal, TimeProvider time)
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(10);

    private readonly Throttle _throttle = new(s_interval, time);
    private readonly RankFigures[] _figures = [.. ranks.All(new CollectivePurpose("hosts", 0), () => Environment.MachineName).Select((host, rank) => new RankFigures(rank, host, 0, 0, 0, 0))];

    /// <summary>Adds what the ranks say of a batch. One in which a rank had no sample says nothing of how fast the ranks are.</summary>
    public void Add(IReadOnlyList<RankReport> reports, TrainingCursor cursor)
    {
        if (reports.Any(report => report.Samples.Sum() == 0))
            return;
        for (int rank = 0; rank < reports.Count; rank++)
        {
            RankFigures figures = _figures[rank];
            _figures[rank] = figures with
            {
                Batches = figures.Batches + 1,
                StepSeconds = figures.StepSeconds + reports[rank].ComputeSeconds,
                DataSeconds = figures.DataSeconds + reports[rank].DataSeconds,
                WaitSeconds = figures.WaitSeconds + reports[rank].WaitSeconds,
            };
        }

        if (_throttle.IsDue())
            Write(cursor);
    }

    /// <summary>Tells the journal, and begins anew.</summary>
    public void Write(TrainingCursor cursor)
    {
        if (ranks.IsAlone || _figures[0].Batches == 0)
            return;
        int slowest = _figures.MaxBy(figures => figures.StepSeconds + figures.DataSeconds)!.Rank;
        journal.Write(new RanksMeasured(cursor.Epoch, cursor.GlobalStep, slowest, [.. _figures]));
        for (int rank = 0; rank < _figures.Length; rank++)
            _figures[rank] = new RankFigures(rank, _figures[rank].Host, 0, 0, 0, 0);
    }
}
