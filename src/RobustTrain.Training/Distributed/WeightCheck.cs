using System.Numerics;
using System.Runtime.InteropServices;
using RobustTrain.Runs;
using static TorchSharp.torch;

namespace RobustTrain.Training.Distributed;

/// <summary>Finds out, every so many steps, whether all ranks still have the same weights: a device that computes wrongly, or memory that forgets, shows in nothing else.</summary>
/// <param name="ranks">The ranks.</param>
/// <param name="steps">The steps between two looks; null for none.</param>
internal sealed class WeightCheck(Ranks ranks, int? steps)
{
    /// <summary>The weights, with their names.</summary>
    public Func<IEnumerable<(string Name, Tensor Weight)>> Of { get; set; } = () => [];

    /// <summary>Whether the ranks look before a step.</summary>
    public bool IsDue(long step) => steps is int each && step % each == 0;

    /// <summary>The checksum of this rank's weights: CRC-32C, which processors have an instruction for.</summary>
    public uint Checksum() => Of().Aggregate(0u, (sum, named) => Add(sum, named.Weight));

    /// <summary>Ends the training at all ranks where the checksums are not the same.</summary>
    /// <exception cref="RunException">They are not (<c>RanksDriftedApart</c>).</exception>
    public void Compare(IReadOnlyList<uint> checksums, long step)
    {
        int other = Enumerable.Range(0, checksums.Count).FirstOrDefault(rank => checksums[rank] != checksums[0]);
        if (other == 0)
            return;
        (string Name, uint Sum)[] own = [.. Of().Select(named => (named.Name, Add(0, named.Weight)))];
        IReadOnlyList<uint[]> all = ranks.All(new CollectivePurpose("weights", step), () => own.Select(each => each.Sum).ToArray());
        string first = own.Select((each, index) => (each.Name, index)).First(each => all[other][each.index] != all[0][each.index]).Name;
        throw ranks.FailTogether(new RunException(
            ExitCode.Numeric, "RanksDriftedApart",
            FormattableString.Invariant($"Rank {other} does not have the weights of rank 0 any more before step {step}: the first that differ are '{first}'. A device or a memory that computes wrongly, or machines that compute differently, would do that; the run can go on from a checkpoint of before (trainer.drift_check_steps is {steps})."), step));
    }

    private static uint Add(uint sum, Tensor weight)
    {
        using var scope = NewDisposeScope();
        Span<byte> bytes = weight.detach().cpu().contiguous().bytes;
        foreach (ulong eight in MemoryMarshal.Cast<byte, ulong>(bytes))
            sum = BitOperations.Crc32C(sum, eight);
        foreach (byte one in bytes[(bytes.Length / sizeof(ulong) * sizeof(ulong))..])
            sum = BitOperations.Crc32C(sum, one);
        return sum;
    }
}
