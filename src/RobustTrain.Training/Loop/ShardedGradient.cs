using System.Collections;
using System.Runtime.InteropServices;
using RobustTrain.Runs;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Distributed;
using RobustTrain.Training.Loading;
using RobustTrain.Training.Native;
using RobustTrain.Training.Optimization;
using RobustTrain.Training.Steps;
using RobustTrain.Training.Tasks;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Training.Loop;

/// <summary>
/// The gradient of batches that are cut into shards. A shard is computed as if there were no other: with randomness and batch statistics of its own,
/// from the buffers that the step began with, over all batches of the step. Then all shards are added up in a fixed order, whichever rank has
/// computed them: gradients, and by how much running statistics have changed, both by the shards' shares of the step's samples. With
/// trainer.synchronized_batch_norm batch statistics are those of the whole batch (<see cref="SynchronizedNorms"/>).
/// </summary>
internal sealed class ShardedGradient : IStepGradient
{
    private readonly TrainingPlan _plan;
    private readonly LossGradient _gradient;
    private readonly BatchAgreement _agreement;
    private readonly Learner[] _learners;
    private readonly Parameter[] _parameters;
    private readonly FlatTensors _gradients;
    private readonly FlatTensors _statistics;
    private readonly FlatTensors _counters;
    private readonly ShardSum _sum;
    private readonly ShardState[] _shards;
    private readonly Tensor _startStatistics;
    private readonly Tensor _startCounters;
    private readonly BitArray _hasGradient;
    private readonly long[] _counted;
    private readonly SynchronizedNorms? _norms;

    // Of the last batch: the samples of this rank's shards among which a value may be that is not finite, and the first operation that autograd has named.
    private readonly List<BatchTensors> _faultySamples = [];
    private string? _nanOperation;

    /// <summary>The gradient of a training's steps.</summary>
    /// <param name="plan">The training.</param>
    /// <param name="gradient">Computes samples.</param>
    /// <param name="learners">The network, and what learns beside it.</param>
    /// <param name="agreement">What the ranks tell each other of each batch.</param>
    public ShardedGradient(TrainingPlan plan, LossGradient gradient, IReadOnlyList<Learner> learners, BatchAgreement agreement)
    {
        (_plan, _gradient, _agreement, _learners) = (plan, gradient, agreement, [.. learners]);
        _parameters = [.. learners.SelectMany(learner => learner.Learned).Select(named => named.Parameter)];
        ShardRange own = new ShardTree(plan.Config.Trainer.Shards).RangeOf(agreement.Ranks.Rank, agreement.Ranks.Size);
        if (plan.Config.Trainer.SynchronizedBatchNorm)
            _norms = new SynchronizedNorms(_learners[0].Model, agreement, plan.Config.Trainer.Shards, own, plan.Threads);
        HashSet<nint> synchronized = [.. (_norms?.Buffers ?? []).Select(buffer => buffer.Handle)];
        Tensor[] buffers = [.. learners.SelectMany(learner => learner.Model.named_buffers()).Select(named => named.buffer).Where(buffer => !synchronized.Contains(buffer.Handle))];
        _gradients = new FlatTensors(_parameters);
        _statistics = new FlatTensors(buffers.Where(buffer => buffer.is_floating_point()));
        _counters = new FlatTensors(buffers.Where(buffer => !buffer.is_floating_point()));
        _hasGradient = new BitArray(_parameters.Length);
        _counted = new long[_counters.Length];
        _startStatistics = _statistics.Make(ScalarType.Float32, plan.Device);
        _startCounters = _counters.Make(ScalarType.Int64, plan.Device);
        _sum = new ShardSum(agreement.Ranks, plan.Config.Trainer.Shards, _gradients.Length + _statistics.Length, plan.Device);
        _shards = [.. Enumerable.Range(_sum.Own.Begin, _sum.Own.Count).Select(shard => new ShardState(shard, _statistics.Make(ScalarType.Float32, plan.Device), _counters.Make(ScalarType.Int64, plan.Device)))];
        agreement.Prepare(new ReportShape(_sum.Own.Count, _parameters.Length, (int)_counters.Length, (plan.Config.Loader.BatchSize + agreement.Ranks.Size - 1) / agreement.Ranks.Size), NamedWeights);
    }

    /// <inheritdoc/>
    public void Begin()
    {
        _statistics.Read(_startStatistics);
        _counters.Read(_startCounters);
        _hasGradient.SetAll(false);
        Array.Clear(_counted);
        foreach (ShardState shard in _shards)
            shard.Begin(_startStatistics, _startCounters);
        _norms?.Begin();
    }

    /// <inheritdoc/>
    public int PlannedSamples(TrainingBatch first, TrainingCursor start, int batches) => _plan.CountSamples(start, batches);

    /// <inheritdoc/>
    public int SamplesAtOnce(TrainingBatch batch, int epoch) =>
        (_plan.WholeCountOf(epoch, batch.Index) + _plan.Config.Trainer.Shards - 1) / _plan.Config.Trainer.Shards;

    /// <inheritdoc/>
    public BatchOutcome Add(Accumulation step, TrainingBatch batch)
    {
        RankReport own = _agreement.NewReport(batch);
        _faultySamples.Clear();
        _nanOperation = null;
        _agreement.Measure(own, () => Compute(step, batch, own));
        AgreedBatch agreed = _agreement.Agree(own, batch, step.Start, isFirstOfStep: step.Batches == 0);
        if (agreed.IsInterrupted)
            return BatchOutcome.Interrupted;
        step.Loss += ShardTree.Sum(agreed.Losses);
        for (int parameter = 0; parameter < _hasGradient.Count; parameter++)
            _hasGradient[parameter] |= agreed.HasGradient(parameter);
        for (int counter = 0; counter < _counted.Length; counter++)
            _counted[counter] = agreed.Counted(counter);
        return new BatchOutcome(
            agreed.Samples,
            agreed.FirstNaNRank is int rank ? _agreement.Ranks.From(rank, new CollectivePurpose("anomaly", step.Start.GlobalStep), () => _nanOperation!) : null,
            () => FindFault(agreed.FirstFaultyRank, new CollectivePurpose("fault", step.Start.GlobalStep)));
    }

    /// <inheritdoc/>
    public void Complete(Accumulation step)
    {
        using var noGrad = no_grad();
        foreach (ShardState shard in _shards)
        {
            Tensor change = _sum[shard.Shard].narrow(0, _gradients.Length, _statistics.Length);
            change.copy_((shard.Statistics - _startStatistics) * step.ShareOf(shard.Samples));
            shard.FillGaps(_gradients, _sum[shard.Shard]);
        }

        Tensor sum = _agreement.MeasureWait(() => _sum.Combine(step.Start.GlobalStep));
        if (sum.device.type != _plan.Device.type)
            sum = sum.to(_plan.Device);
        foreach (Learner learner in _learners)
            learner.Model.zero_grad(set_to_none: true);
        for (int parameter = 0; parameter < _parameters.Length; parameter++)
        {
            if (_hasGradient[parameter])
                _parameters[parameter].grad = _gradients.ViewIn(sum, parameter);
        }

        _statistics.Write(_startStatistics + (sum.narrow(0, _gradients.Length, _statistics.Length) * step.Correction));
        _counters.Write(_startCounters + tensor(_counted, device: _plan.Device));
        _norms?.Complete();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _norms?.Dispose();
        _sum.Dispose();
        _startStatistics.Dispose();
        _startCounters.Dispose();
        foreach (ShardState shard in _shards)
            shard.Dispose();
    }

    // This rank's shards, one after the other, or side by side where they have statistics in common. What goes wrong at one of several ranks, all
    // have to be told of.
    private void Compute(Accumulation step, TrainingBatch batch, RankReport report)
    {
        if (batch.IsMissing)
        {
            _norms?.Leave(step.Start.GlobalStep);
            return;
        }

        try
        {
            if (_norms is null)
            {
                foreach ((ShardState shard, BatchTensors samples, int count) in Cut(step, batch, report))
                    ComputeAlone(step, shard, samples, count, report);
            }
            else
            {
                _norms.Compute(() => Beside(step, batch, report), step.Start.GlobalStep);
                CheckBuffers();
            }

            Report(report);
        }
        catch (Exception failed) when (!_agreement.Ranks.IsAlone && failed is not RankLostException)
        {
            _agreement.Fail(report, failed);
        }
    }

    // The samples of each shard that has any.
    private IEnumerable<(ShardState Shard, BatchTensors Samples, int Count)> Cut(Accumulation step, TrainingBatch batch, RankReport report)
    {
        BatchTensors? tensors = batch.SampleIndices.Count == 0 ? null : batch.Open();
        int planned = _plan.CountSamples(step.Start with { Batch = batch.Index }, 1);
        foreach (ShardState shard in _shards)
        {
            (int start, int count) = batch.Between(FirstOf(shard.Shard, planned), FirstOf(shard.Shard + 1, planned));
            report.Samples[shard.Shard - _sum.Own.Begin] = count;
            if (count > 0)
                yield return (shard, tensors!.Narrow(start, count), count);
        }
    }

    private void ComputeAlone(Accumulation step, ShardState shard, BatchTensors samples, int count, RankReport report)
    {
        shard.Enter(_statistics, _counters);
        foreach (Learner learner in _learners)
            learner.Model.zero_grad(set_to_none: true);
        using (TorchGenerator.Seed(SeedOf(step, shard)))
            Compute(step, shard, samples, count, report, lane: null);
        shard.Leave(_statistics, _counters);
        shard.AddGradients(_parameters, _gradients, _sum[shard.Shard], _hasGradient);
    }

    // Where statistics are common, so is a NaN, which the samples of any shard may have brought in.
    private ShardWork?[] Beside(Accumulation step, TrainingBatch batch, RankReport report)
    {
        ShardWork?[] works = new ShardWork?[_shards.Length];
        foreach ((ShardState shard, BatchTensors samples, int count) in Cut(step, batch, report))
        {
            _faultySamples.Add(samples);
            works[shard.Shard - _sum.Own.Begin] = new ShardWork(
                SeedOf(step, shard), lane => Compute(step, shard, samples, count, report, lane), () => TakeGradients(shard));
        }

        return works;
    }

    // What a shard's turn has left in the parameters: torch adds up all that a parameter gets before it does, so that a later turn adds nothing.
    private void TakeGradients(ShardState shard)
    {
        shard.AddGradients(_parameters, _gradients, _sum[shard.Shard], _hasGradient);
        _learners[0].Model.zero_grad(set_to_none: true);
    }

    // False where a NaN was found.
    private bool Compute(Accumulation step, ShardState shard, BatchTensors samples, int count, RankReport report, ShardLane? lane)
    {
        double loss = 0;
        string? nanOperation = _gradient.Add(step, samples, count, part =>
        {
            loss += part;
            lane?.ThrowFailure();
        });
        report.Losses[shard.Shard - _sum.Own.Begin] = loss;
        report.HasNaNOperation |= nanOperation is not null;
        _nanOperation ??= nanOperation;
        if (lane is null && !double.IsFinite(loss))
            _faultySamples.Add(samples);
        shard.Count(count);
        return nanOperation is null;
    }

    private string? FindFault(int firstFaultyRank, CollectivePurpose purpose) => _norms is null
        ? _agreement.Ranks.From(firstFaultyRank, purpose, () => _faultySamples.Take(1).Select(_gradient.FindFault).FirstOrDefault())
        : _agreement.Ranks.All(purpose, () => _faultySamples.Select(_gradient.FindFault).FirstOrDefault(found => found is not null)).FirstOrDefault(found => found is not null);

    // Shards that are computed side by side have the network's other buffers in common.
    private void CheckBuffers()
    {
        using var scope = NewDisposeScope();
        Tensor statistics = _startStatistics.clone();
        Tensor counters = _startCounters.clone();
        _statistics.Read(statistics);
        _counters.Read(counters);
        if (statistics.ne(_startStatistics).any().item<bool>() || counters.ne(_startCounters).any().item<bool>())
        {
            throw new RunException(
                ExitCode.Configuration, "BuffersChange",
                "The network changes buffers of its own while it is trained, beside those of its batch normalisations, which shards that have statistics in common can't each do; set trainer.synchronized_batch_norm to false.", "trainer.synchronized_batch_norm");
        }
    }

    private long SeedOf(Accumulation step, ShardState shard) => _plan.ShardSeed(step.Start, step.Batches, shard.Shard);

    private void Report(RankReport report)
    {
        for (int parameter = 0; parameter < _hasGradient.Count; parameter++)
            report.Gradients[parameter] = _hasGradient[parameter];
        if (_counted.Length == 0)
            return;
        using var noGrad = no_grad();
        foreach (ShardState shard in _shards)
        {
            ReadOnlySpan<long> raised = MemoryMarshal.Cast<byte, long>((shard.Counters - _startCounters).cpu().bytes);
            for (int counter = 0; counter < raised.Length; counter++)
                report.Counters[counter] = Math.Max(report.Counters[counter], raised[counter]);
        }
    }

    private int FirstOf(int shard, int planned) => (int)((long)planned * shard / _plan.Config.Trainer.Shards);

    // The buffers themselves are those of the shard that was computed last, where they are not common.
    private IEnumerable<(string Name, Tensor Weight)> NamedWeights() =>
    [
        .. _learners.SelectMany(learner => learner.Model.named_parameters()).Select(named => (named.name, (Tensor)named.parameter)),
        .. (_norms?.Buffers ?? []).Prepend(_startStatistics).Select(statistics => ("running statistics", statistics)),
    ];

    /// <summary>What a shard has of its own from the first batch of a step to the last.</summary>
    private sealed class ShardState(int shard, Tensor statistics, Tensor counters) : IDisposable
    {
        private bool[] _hasGradient = [];

        public int Shard => shard;

        public Tensor Statistics => statistics;

        public Tensor Counters => counters;

        public int Samples { get; private set; }

        public void Begin(Tensor startStatistics, Tensor startCounters)
        {
            using var noGrad = no_grad();
            statistics.copy_(startStatistics);
            counters.copy_(startCounters);
            Samples = 0;
            Array.Clear(_hasGradient);
        }

        public void Enter(FlatTensors ofStatistics, FlatTensors ofCounters)
        {
            ofStatistics.Write(statistics);
            ofCounters.Write(counters);
        }

        public void Leave(FlatTensors ofStatistics, FlatTensors ofCounters)
        {
            ofStatistics.Read(statistics);
            ofCounters.Read(counters);
        }

        public void Count(int samples) => Samples += samples;

        public void AddGradients(Parameter[] parameters, FlatTensors layout, Tensor vector, BitArray any)
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            if (_hasGradient.Length == 0)
                _hasGradient = new bool[parameters.Length];
            for (int parameter = 0; parameter < parameters.Length; parameter++)
            {
                if (parameters[parameter].grad is not { } gradient)
                    continue;
                Tensor place = layout.ViewIn(vector, parameter);
                if (_hasGradient[parameter])
                    place.add_(gradient.to(place.device));
                else
                    place.copy_(gradient);
                _hasGradient[parameter] = any[parameter] = true;
            }
        }

        // What has no gradient adds nothing to the sum.
        public void FillGaps(FlatTensors layout, Tensor vector)
        {
            using var scope = NewDisposeScope();
            if (!_hasGradient.Contains(true))
            {
                vector.narrow(0, 0, layout.Length).zero_();
                return;
            }

            for (int parameter = 0; parameter < _hasGradient.Length; parameter++)
            {
                if (!_hasGradient[parameter])
                    layout.ViewIn(vector, parameter).zero_();
            }
        }

        public void Dispose()
        {
            statistics.Dispose();
            counters.Dispose();
        }
    }
}

/// <summary>Tensors, and how they stand one behind the other in a flat one.</summary>
internal sealed class FlatTensors
{
    private readonly (Tensor Tensor, long Offset)[] _parts;

    /// <summary>A layout for some tensors, which it does not own.</summary>
    public FlatTensors(IEnumerable<Tensor> tensors)
    {
        List<(Tensor, long)> parts = [];
        foreach (Tensor tensor in tensors)
        {
            parts.Add((tensor, Length));
            Length += tensor.NumberOfElements;
        }

        _parts = [.. parts];
    }

    /// <summary>The numbers of the flat tensor.</summary>
    public long Length { get; }

    /// <summary>A flat tensor; the caller disposes it.</summary>
    public Tensor Make(ScalarType type, Device device) => zeros(Length, type, device).DetachFromDisposeScope();

    /// <summary>A tensor's place in a flat one, in its shape.</summary>
    public Tensor ViewIn(Tensor flat, int part) => flat.narrow(0, _parts[part].Offset, _parts[part].Tensor.NumberOfElements).view(_parts[part].Tensor.shape);

    /// <summary>Copies the tensors into a flat one.</summary>
    public void Read(Tensor flat)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        for (int part = 0; part < _parts.Length; part++)
            ViewIn(flat, part).copy_(_parts[part].Tensor);
    }

    /// <summary>Copies a flat tensor into the tensors.</summary>
    public void Write(Tensor flat)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        for (int part = 0; part < _parts.Length; part++)
            _parts[part].Tensor.copy_(ViewIn(flat, part));
    }
}
