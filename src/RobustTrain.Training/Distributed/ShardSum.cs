using RobustTrain.Training.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace RobustTrain.Training.Distributed;

/// <summary>
/// A vector for each shard, and their sum over all shards in the order of the tree, with the same bits on any number of ranks. Each rank adds up
/// what its own shards allow, then a segment for all: it gets from every rank the parts of the tree that this one holds, and all get its sum.
/// </summary>
internal sealed class ShardSum : IDisposable
{
    // 16 MiB: long enough that waiting for each other once a bucket costs little, short enough that one is added up while the next one is under way.
    private const long DefaultBucket = 1 << 22;

    // One is being received, one added up, one given to all.
    private const int Slots = 3;

    private readonly ICommunicator? _communicator;
    private readonly Device _device;
    private readonly ShardTree _tree;
    private readonly ShardRange _range;
    private readonly Tensor[] _vectors;
    private readonly IReadOnlyList<ShardRange>[] _nodes;
    private readonly Slot[] _slots = [];
    private readonly long _length;
    private readonly long _bucket;

    /// <summary>Vectors of zeros.</summary>
    /// <param name="ranks">Who shares the shards.</param>
    /// <param name="shards">How many there are, which the ranks divide.</param>
    /// <param name="length">The numbers of a vector.</param>
    /// <param name="device">Where they are.</param>
    /// <param name="bucket">The numbers that are sent at once.</param>
    public ShardSum(Ranks ranks, int shards, long length, Device device, long bucket = DefaultBucket)
    {
        _bucket = Math.Min(bucket, Math.Max(1, length));
        _communicator = ranks.IsAlone ? null : ranks.ForGradients;
        _device = ranks.IsAlone || ranks.MovesOnDevice ? device : CPU;
        _tree = new ShardTree(shards);
        _range = _tree.RangeOf(ranks.Rank, ranks.Size);
        _length = length;
        _nodes = _tree.NodesOfRanks(ranks.Size);
        _vectors = [.. Enumerable.Range(0, _range.Count).Select(_ => Make(length))];
        if (!ranks.IsAlone)
            _slots = [.. Enumerable.Range(0, Slots).Select(_ => new Slot(this))];
    }

    /// <summary>The shards of this rank.</summary>
    public ShardRange Own => _range;

    /// <summary>The vector of one of this rank's shards.</summary>
    public Tensor this[int shard] => _vectors[shard - _range.Begin];

    /// <summary>Adds all up. Afterwards the vectors of this rank's shards hold anything.</summary>
    /// <param name="step">The step that it is for.</param>
    /// <returns>The sum, valid until a vector is changed.</returns>
    public Tensor Combine(long step)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        IReadOnlyList<ShardRange> own = _nodes[_communicator?.Rank ?? 0];
        foreach (ShardRange node in own)
            ShardTree.Sum(node, part => part.Count == 1 ? this[part.Begin] : null, (left, right) => left.add_(right));
        if (_communicator is null)
            return _vectors[0];
        int buckets = (int)((_length + _bucket - 1) / _bucket);
        for (int bucket = 0; bucket <= buckets; bucket++)
        {
            if (bucket < buckets)
                SlotOf(bucket).Begin(bucket * _bucket, Math.Min(_bucket, _length - (bucket * _bucket)), step);
            if (bucket > 0)
                SlotOf(bucket - 1).AddUp();
        }

        foreach (Slot slot in _slots)
            slot.End();
        return _vectors[0];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor vector in _vectors)
            vector.Dispose();
        foreach (Slot slot in _slots)
            slot.Dispose();
    }

    private Slot SlotOf(int bucket) => _slots[bucket % Slots];

    private Tensor Make(long length) => zeros(length, ScalarType.Float32, _device).DetachFromDisposeScope();

    // What torch has begun on a device is done before others read its memory.
    private void Settle()
    {
        if (_device.type == DeviceType.CUDA)
            cuda.synchronize(_device);
    }

    /// <summary>One bucket on its way.</summary>
    private sealed class Slot : IDisposable
    {
        private readonly ShardSum _sum;
        private readonly int _rank;
        private readonly int _size;
        private readonly Tensor? _packed;
        private readonly Tensor _received;
        private ICollective? _exchange;
        private ICollective? _gather;
        private long _start;
        private long _length;
        private long _step;

        public Slot(ShardSum sum)
        {
            _sum = sum;
            (_rank, _size) = (sum._communicator!.Rank, sum._communicator.Size);
            long segment = (sum._bucket / _size) + 1;
            _packed = sum._nodes[_rank].Count == 1 ? null : sum.Make(segment * _size * sum._nodes[_rank].Count);
            _received = sum.Make(segment * sum._nodes.Sum(nodes => nodes.Count));
        }

        /// <summary>Gives each rank this one's parts of its segment of a bucket.</summary>
        public void Begin(long start, long length, long step)
        {
            End();
            (_start, _length, _step) = (start, length, step);
            Tensor send = Pack();
            _sum.Settle();
            _exchange = _sum._communicator!.BeginExchange(
                HostMemory.AddressOf(send),
                [.. EachRank.Select(rank => Bytes(SegmentLength(rank) * _sum._nodes[_rank].Count))],
                HostMemory.AddressOf(_received),
                [.. EachRank.Select(rank => rank == _rank ? 0 : Bytes(SegmentLength(_rank) * _sum._nodes[rank].Count))],
                new CollectivePurpose("gradients", step));
        }

        /// <summary>Adds up this rank's segment, and gives it to all.</summary>
        public void AddUp()
        {
            _exchange!.Wait();
            _exchange = null;
            Dictionary<ShardRange, Tensor> parts = [];
            long length = SegmentLength(_rank);
            IReadOnlyList<ShardRange> own = _sum._nodes[_rank];
            for (int node = 0; node < own.Count; node++)
                parts.Add(own[node], OwnPart(node, length));
            long at = 0;
            foreach (ShardRange node in EachRank.Where(rank => rank != _rank).SelectMany(rank => _sum._nodes[rank]))
            {
                parts.Add(node, _received.narrow(0, at, length));
                at += length;
            }

            // In place, where this rank has one part: a sum of two numbers has the same bits either way round, and from there it goes to all.
            Tensor place = parts[own[0]];
            Tensor total = _sum._tree.Sum(node => parts.GetValueOrDefault(node), (left, right) => ReferenceEquals(right, place) ? Add(right, left) : Add(left, right));
            Tensor all = _sum._vectors[0].narrow(0, _start, _length);
            _sum.Settle();
            _gather = _sum._communicator!.BeginGather(
                HostMemory.AddressOf(total), Bytes(length), HostMemory.AddressOf(all), [.. EachRank.Select(rank => Bytes(SegmentLength(rank)))], new CollectivePurpose("gradients", _step));
        }

        /// <summary>Waits until all segments are here.</summary>
        public void End()
        {
            _gather?.Wait();
            _gather = null;
        }

        public void Dispose()
        {
            _packed?.Dispose();
            _received.Dispose();
        }

        private IEnumerable<int> EachRank => Enumerable.Range(0, _size);

        private static long Bytes(long numbers) => numbers * sizeof(float);

        private long SegmentStart(int rank) => _length * rank / _size;

        private long SegmentLength(int rank) => SegmentStart(rank + 1) - SegmentStart(rank);

        private static Tensor Add(Tensor sum, Tensor part)
        {
            sum.add_(part);
            return sum;
        }

        private Tensor OwnPart(int node, long length) => _packed is null
            ? _sum._vectors[0].narrow(0, _start + SegmentStart(_rank), length)
            : _packed.narrow(0, (SegmentStart(_rank) * _sum._nodes[_rank].Count) + (node * length), length);

        // Segment by segment, in each the parts of the tree; a single part lies so already.
        private Tensor Pack()
        {
            IReadOnlyList<ShardRange> nodes = _sum._nodes[_rank];
            if (_packed is null)
                return _sum[nodes[0].Begin].narrow(0, _start, _length);
            long at = 0;
            foreach (int rank in EachRank)
            {
                long length = SegmentLength(rank);
                foreach (ShardRange node in nodes)
                {
                    _packed.narrow(0, at, length).copy_(_sum[node.Begin].narrow(0, _start + SegmentStart(rank), length));
                    at += length;
                }
            }

            return _packed;
        }
    }
}
