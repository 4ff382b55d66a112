using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Training.Distributed;
using RobustTrain.Training.Steps;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Training.Loop;

/// <summary>
/// Gives a network's batch normalisations the statistics of the whole batch while its shards are computed, forward and backward. A rank's shards go
/// through the network side by side, by turns: each runs until it comes to a normalisation, and all go on once all have come, at all ranks. The
/// networks know nothing of it: hooks take the place of what the layers compute.
/// </summary>
internal sealed class SynchronizedNorms : IDisposable
{
    private readonly BatchNorm[] _norms;
    private readonly BatchAgreement _agreement;
    private readonly StatisticsExchange _exchange;
    private readonly ShardLane[] _lanes;
    private readonly List<Action> _hookRemovals = [];
    private readonly bool[] _isSynchronized;

    // What the running statistics are to learn of the step.
    private readonly List<StatisticsAnswer> _learned = [];

    // Whose turn it is; null while no shards are computed, when the layers are what they always are.
    private ShardLane? _current;

    // What the layer that was just come to takes, and whether it is in training; the layer itself gets nothing of it.
    private Tensor? _input;
    private bool _wasTraining;

    /// <summary>Puts hooks on a network's normalisations.</summary>
    /// <param name="model">The network.</param>
    /// <param name="agreement">Joins the ranks.</param>
    /// <param name="shards">How many shards there are.</param>
    /// <param name="own">Those of this rank.</param>
    /// <param name="threads">The threads of an operator.</param>
    public SynchronizedNorms(nn.Module model, BatchAgreement agreement, int shards, ShardRange own, int threads)
    {
        (_norms, _agreement) = ([.. model.modules().OfType<BatchNorm>()], agreement);
        _isSynchronized = new bool[_norms.Length];
        _exchange = new StatisticsExchange(agreement.Ranks, shards, [.. _norms.Select(norm => (int)norm.num_features)]);
        _lanes = [.. Enumerable.Range(own.Begin, own.Count).Select(shard => new ShardLane(shard, threads))];
        for (int index = 0; index < _norms.Length; index++)
        {
            int norm = index;
            var before = _norms[norm].register_forward_pre_hook((_, input) => Enter(norm, input));
            var after = _norms[norm].register_forward_hook((_, _, output) => Leave(norm, output));
            _hookRemovals.AddRange([before.remove, after.remove]);
        }
    }

    /// <summary>The running statistics.</summary>
    public IEnumerable<Tensor> Buffers => _norms.SelectMany(norm => norm.buffers());

    /// <summary>Refuses what can't have statistics in common.</summary>
    /// <exception cref="RunException">The network has no batch normalisation, or one without running statistics.</exception>
    public static void Check(nn.Module model)
    {
        const string key = "trainer.synchronized_batch_norm";
        (string Name, BatchNorm Norm)[] norms = [.. model.named_modules().Where(named => named.module is BatchNorm).Select(named => (named.name, (BatchNorm)named.module))];
        if (norms.Length == 0)
            throw new RunException(ExitCode.Configuration, "NoBatchNormalization", $"{key} is true, but the network has no batch normalisation; set it to false.", key);
        if (norms.FirstOrDefault(named => named.Norm.running_mean is null) is { Name: { } name })
            throw new RunException(ExitCode.Configuration, "NoRunningStatistics", $"{key} is true, but the network's '{name}' keeps no running statistics; set it to false.", key);
    }

    /// <summary>Refuses several shards on one GPU: torch takes all backward passes of a device through one thread, which can't wait for itself.</summary>
    /// <exception cref="RunException">There are (<c>ShardsShareDevice</c>).</exception>
    public static void Check(Device device, int shards, int ranks)
    {
        if (device.type == DeviceType.CUDA && shards != ranks)
        {
            throw new RunException(
                ExitCode.Configuration, "ShardsShareDevice",
                $"trainer.synchronized_batch_norm on GPUs takes a rank for each shard, but trainer.shards is {shards} and the run has {Counted.Of(ranks, "rank")}; start it with {shards} ranks, or set trainer.shards to {ranks}.", "trainer.shards");
        }
    }

    /// <summary>Begins a step.</summary>
    public void Begin() => _learned.Clear();

    /// <summary>Changes the running statistics by what the batches of the step had: as each layer would itself, had it seen all of each batch.</summary>
    public void Complete()
    {
        foreach ((NormPoint point, double[] sum) in _learned)
            Update(_norms[point.Norm], sum);
    }

    /// <summary>Computes this rank's shards.</summary>
    /// <param name="begin">What there is to do of each shard; null of one without samples.</param>
    /// <param name="step">The run's step.</param>
    /// <exception cref="Exception">What went wrong at this rank; what does at another, that one tells in the agreement.</exception>
    public void Compute(Func<IReadOnlyList<ShardWork?>> begin, long step)
    {
        List<ShardLane> lanes = [];
        Exception? failure = null;
        try
        {
            try
            {
                foreach ((ShardLane lane, ShardWork? work) in _lanes.Zip(begin()))
                {
                    if (work is null)
                        continue;
                    lane.Begin(work);
                    lanes.Add(lane);
                }
            }
            catch (Exception failed)
            {
                failure = failed;
            }

            for (int norm = 0; norm < _norms.Length; norm++)
                _isSynchronized[norm] = _norms[norm].training;
            StatisticsAnswer? answer = null;
            do
            {
                foreach (ShardLane lane in lanes.Where(lane => lane.IsUnderWay && failure is null))
                    Turn(lane, () => lane.Continue(answer?.Sum));
                failure ??= FailureOf(lanes);
                answer = Meet(TurnOf(lanes, failure), lanes, step);
                if (answer is { Point.IsBackward: false })
                    _learned.Add(answer);
            }
            while (answer is not null);
        }
        finally
        {
            foreach (ShardLane lane in lanes.Where(lane => lane.IsUnderWay))
                Turn(lane, lane.Abandon);
            foreach ((BatchNorm norm, _) in _norms.Zip(_isSynchronized).Where(each => each.Second))
                norm.train();
        }

        if (failure is not null)
            ExceptionDispatchInfo.Throw(failure);
    }

    /// <summary>Tells the other ranks that this one has no part of the batch, and that they can't compute it either.</summary>
    public void Leave(long step) => Meet(RankTurn.Leaves, [], step);

    /// <inheritdoc/>
    public void Dispose()
    {
        _hookRemovals.ForEach(remove => remove());
        foreach (ShardLane lane in _lanes)
            lane.Dispose();
    }

    private void Turn(ShardLane lane, Action turn)
    {
        _current = lane;
        turn();
        _current = null;
    }

    private static Exception? FailureOf(IReadOnlyList<ShardLane> lanes)
    {
        if (lanes.Select(lane => lane.Failure).FirstOrDefault(failed => failed is not null) is { } failure)
            return failure;
        NormPoint[] points = [.. lanes.Where(lane => lane.IsUnderWay).Select(lane => lane.Point)];
        bool areInStep = points.Length == 0 || (points.Length == lanes.Count && points.Distinct().Count() == 1);
        return areInStep || lanes.Any(lane => lane.HasGivenUp) ? null : StatisticsExchange.OutOfStep();
    }

    private static RankTurn TurnOf(IReadOnlyList<ShardLane> lanes, Exception? failure) =>
        failure is not null || lanes.Any(lane => lane.HasGivenUp) ? RankTurn.Leaves
        : lanes.Count == 0 ? RankTurn.IsIdle
        : lanes.Any(lane => lane.IsUnderWay) ? RankTurn.Waits
        : RankTurn.IsDone;

    private StatisticsAnswer? Meet(RankTurn turn, IReadOnlyList<ShardLane> lanes, long step)
    {
        NormPoint point = turn == RankTurn.Waits ? lanes[0].Point : default;
        double[]?[] own = [.. _lanes.Select(lane => lane.IsUnderWay ? lane.Own : null)];
        return _agreement.MeasureWait(() => _exchange.Meet(turn, point, own, step));
    }

    // A single value, which has no variance, teaches them nothing.
    private static void Update(BatchNorm norm, double[] sum)
    {
        double count = sum[0];
        if (count == 1)
            return;
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        norm.num_batches_tracked!.add_(1);
        double momentum = norm.momentum is { } given and not 0 ? given : 1.0 / norm.num_batches_tracked.item<long>();
        int channels = sum.Length / 2;
        norm.running_mean!.mul_(1 - momentum).add_(NormCall.Vector(sum.Skip(1).Take(channels), norm.running_mean), momentum);
        norm.running_var!.mul_(1 - momentum).add_(NormCall.Vector(sum.Skip(1 + channels).Select(squares => squares / (count - 1)), norm.running_var), momentum);
    }

    // In evaluation, and of no samples, the layer does nothing.
    private Tensor Enter(int norm, Tensor input)
    {
        if (_current is null || !_isSynchronized[norm])
            return input;
        (_input, _wasTraining) = (input, _norms[norm].training);
        _norms[norm].eval();
        return input.narrow(0, 0, 0);
    }

    private Tensor Leave(int norm, Tensor output)
    {
        if (_current is not { } lane || _input is not { } input)
            return output;
        _input = null;
        _norms[norm].train(_wasTraining);
        output.Dispose();
        return new NormCall(lane, norm, _norms[norm]).Apply(input);
    }

    /// <summary>
    /// One call of a normalisation, forward and then backward. torch's own kernel computes it with statistics that are given, and the gradient as if they
    /// did not depend on the input; what is missing of that is added.
    /// </summary>
    private sealed class NormCall(ShardLane lane, int index, BatchNorm norm)
    {
        private double[] _sum = [];
        private Tensor[] _leaves = [];
        private Tensor? _output;

        private int Channels => (int)norm.num_features;

        private double[] Variances => [.. _sum.Skip(1 + Channels).Select(squares => squares / _sum[0])];

        /// <summary>One number for each channel, as a tensor like another.</summary>
        public static Tensor Vector(IEnumerable<double> numbers, Tensor like) => tensor(numbers.Select(number => (float)number).ToArray(), device: like.device);

        public Tensor Apply(Tensor input)
        {
            _sum = lane.Ask(new NormPoint(index, IsBackward: false), MomentsOf(input)) ?? throw new OperationCanceledException("Another shard can't be computed.");

            // A single value has no variance: as the networks that allow it do, by the running statistics.
            if (_sum[0] == 1)
                return nn.functional.batch_norm(input, norm.running_mean!.clone(), norm.running_var!.clone(), norm.weight, norm.bias, training: false, eps: norm.eps);
            return Function.apply(input, norm.weight, norm.bias, this);
        }

        public Tensor Forward(Tensor input)
        {
            using var grad = enable_grad();
            _leaves =
            [
                input.detach().to(ScalarType.Float32).requires_grad_(),
                (norm.weight?.detach() ?? ones(Channels, device: input.device)).requires_grad_(),
                (norm.bias?.detach() ?? zeros(Channels, device: input.device)).requires_grad_(),
            ];
            _output = Normalize(_leaves[1], _leaves[2]);
            return _output.detach().to(input.dtype);
        }

        // What nothing may be thrown from: torch's own functions called it.
        public IReadOnlyList<Tensor?> Backward(Tensor gradient)
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            try
            {
                return lane.Give(Gradients(gradient));
            }
            catch (Exception failed)
            {
                lane.Fail(failed);
                return lane.Give([null, null, null]);
            }
        }

        // Ioffe and Szegedy, 2015, section 3: the means over the whole batch of the gradient, and of its product with the normalised input.
        private IReadOnlyList<Tensor?> Gradients(Tensor gradient)
        {
            _output!.backward([gradient.to(ScalarType.Float32)]);
            _output.Dispose();
            Tensor[] gradients = [.. _leaves.Select(leaf => leaf.grad!)];
            double count = _leaves[0].numel() / Channels;
            if (lane.Ask(new NormPoint(index, IsBackward: true), [count, .. Numbers(gradients[2]), .. Numbers(gradients[1])]) is not { } sums)
                return [null, null, null];
            double[] gain = [.. Numbers(_leaves[1]).Zip(Variances, (weight, variance) => -weight / Math.Sqrt(variance + norm.eps) / sums[0])];
            Tensor missing = Normalize(
                Vector(gain.Zip(sums.Skip(1 + Channels), (each, sum) => each * sum), gradient),
                Vector(gain.Zip(sums.Skip(1).Take(Channels), (each, sum) => each * sum), gradient));
            gradients[0].add_(missing);
            foreach (Tensor leaf in _leaves)
                leaf.Dispose();
            return
            [
                gradients[0].to(gradient.dtype).DetachFromDisposeScope(),
                norm.weight is null ? null : gradients[1].DetachFromDisposeScope(),
                norm.bias is null ? null : gradients[2].DetachFromDisposeScope(),
            ];
        }

        private Tensor Normalize(Tensor weight, Tensor bias) => nn.functional.batch_norm(
            _leaves[0], Vector(_sum.Skip(1).Take(Channels), weight), Vector(Variances, weight), weight, bias, training: false, eps: norm.eps);

        // By torch's own kernel, which leaves what it has found in the running statistics that it is given.
        private double[] MomentsOf(Tensor input)
        {
            using var scope = NewDisposeScope();
            double count = input.numel() / Channels;
            if (count == 1)
                return [count, .. Numbers(input), .. new double[Channels]];
            Tensor mean = zeros(Channels, ScalarType.Float32, input.device);
            Tensor variance = zeros(Channels, ScalarType.Float32, input.device);
            nn.functional.batch_norm(input.detach(), mean, variance, training: true, momentum: 1);
            return [count, .. Numbers(mean), .. Numbers(variance).Select(unbiased => unbiased * (count - 1))];
        }

        private static double[] Numbers(Tensor vector) =>
            [.. MemoryMarshal.Cast<byte, float>(vector.detach().to(ScalarType.Float32).cpu().contiguous().bytes).ToArray().Select(number => (double)number)];
    }

    /// <summary>A call as autograd knows it.</summary>
    private sealed class Function : autograd.SingleTensorFunction<Function>
    {
        private const string Call = "call";

        public override string Name => "SynchronizedBatchNorm";

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            NormCall call = (NormCall)vars[^1];
            ctx.save_data(Call, call);
            return call.Forward((Tensor)vars[0]);
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            using Tensor gradient = grad_output;
            return [.. ((NormCall)ctx.get_data(Call)).Backward(gradient).Select(each => each!), null!];
        }
    }
}
