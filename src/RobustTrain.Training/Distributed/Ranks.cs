using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using RobustTrain.Runs;

namespace RobustTrain.Training.Distributed;

/// <summary>
/// The ranks of a run as the training sees them: who this one is, and how all come to the same decisions. What a run of one rank asks here it
/// answers itself, without a word to anybody.
/// </summary>
/// <param name="communicator">Joins the ranks; its memory is the host's. Null for a run of one rank.</param>
/// <param name="devices">Joins the ranks' devices, for gradients; its memory is the device's. Null sends gradients through the host.</param>
public sealed class Ranks(ICommunicator? communicator, ICommunicator? devices = null)
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        IncludeFields = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>A run of one rank.</summary>
    public static Ranks Single { get; } = new(communicator: null);

    /// <summary>This rank, from 0.</summary>
    public int Rank => communicator?.Rank ?? 0;

    /// <summary>How many there are.</summary>
    public int Size => communicator?.Size ?? 1;

    /// <summary>Whether this is the rank that writes the run.</summary>
    public bool IsFirst => Rank == 0;

    /// <summary>Whether there is no other rank.</summary>
    public bool IsAlone => Size == 1;

    /// <summary>
    /// Whether all ranks know that the training fails, each of them with the same exception. Where one fails otherwise, the others wait for it, so
    /// that its process has to end them (<see cref="ICommunicator.Abort"/>).
    /// </summary>
    public bool HaveAgreedToFail { get; private set; }

    /// <summary>What moves gradients.</summary>
    internal ICommunicator? ForGradients => devices ?? communicator;

    /// <summary>Whether gradients are moved from device to device.</summary>
    internal bool MovesOnDevice => devices is not null;

    /// <summary>Refuses a number of ranks that does not divide the shards.</summary>
    /// <exception cref="RunException">It does not (<c>RanksDoNotDivideShards</c>).</exception>
    public static void Check(int shards, int ranks)
    {
        if (shards % ranks == 0)
            return;
        int[] divisors = [.. Enumerable.Range(1, shards).Where(count => shards % count == 0)];
        int fewer = divisors.Last(count => count < ranks);
        string nearest = divisors.FirstOrDefault(count => count > ranks) is int more and > 0 ? $"{fewer} or {more}" : $"{fewer}";
        throw new RunException(
            ExitCode.Configuration, "RanksDoNotDivideShards",
            shards == 1
                ? $"The run has {ranks} ranks, but trainer.shards is 1, which only one rank can compute; set trainer.shards to {ranks} or a multiple of it."
                : $"The run has {ranks} ranks, which do not divide trainer.shards, {shards}; start it with {nearest} ranks.",
            "trainer.shards");
    }

    /// <summary>What the first rank computes, at all ranks. Where that fails, it fails at all of them.</summary>
    /// <param name="purpose">What it is for, and in which step.</param>
    /// <param name="compute">Is called at the first rank only. What it gives goes through JSON.</param>
    /// <exception cref="RunException">It failed.</exception>
    public T FromFirst<T>(CollectivePurpose purpose, Func<T> compute) => From(0, purpose, compute);

    /// <inheritdoc cref="FromFirst{T}"/>
    public void FromFirst(CollectivePurpose purpose, Action act) => FromFirst(purpose, () =>
    {
        act();
        return true;
    });

    /// <summary>What one rank computes, at all ranks.</summary>
    /// <inheritdoc cref="FromFirst{T}"/>
    internal T From<T>(int root, CollectivePurpose purpose, Func<T> compute)
    {
        if (IsAlone)
            return compute();
        if (root != Rank)
            return JsonSerializer.Deserialize<Answer<T>>(Broadcast(null, root, purpose), s_json)!.ValueOr(Fail);
        try
        {
            T value = compute();
            Broadcast(JsonSerializer.SerializeToUtf8Bytes(new Answer<T>(value, null), s_json), root, purpose);
            return value;
        }
        catch (Exception failed) when (failed is not RankLostException && !HaveAgreedToFail)
        {
            Broadcast(JsonSerializer.SerializeToUtf8Bytes(new Answer<T>(default, RankFailure.Of(failed, Rank)), s_json), root, purpose);
            HaveAgreedToFail = true;
            throw;
        }
    }

    /// <summary>What all ranks compute, at all of them, in their order. Where one fails, all fail as the first of those that do.</summary>
    /// <exception cref="OperationCanceledException">One was interrupted, and none failed.</exception>
    /// <exception cref="RunException">One failed.</exception>
    internal IReadOnlyList<T> All<T>(CollectivePurpose purpose, Func<T> compute)
    {
        if (IsAlone)
            return [compute()];
        Answer<T> own;
        Exception? failure = null;
        try
        {
            own = new(compute(), null);
        }
        catch (Exception failed) when (failed is not RankLostException)
        {
            failure = failed;
            own = new(default, RankFailure.Of(failed, Rank));
        }

        Answer<T>[] answers = [.. Gather(JsonSerializer.SerializeToUtf8Bytes(own, s_json), purpose).Select(bytes => JsonSerializer.Deserialize<Answer<T>>(bytes, s_json)!)];
        IEnumerable<RankFailure> failures = answers.Select(answer => answer.Failure).OfType<RankFailure>();
        if (failures.FirstOrDefault(each => !each.IsInterruption) is { } first)
            throw Fail(first, failure);
        if (failures.Any())
            throw new OperationCanceledException("A rank was asked to stop.");
        return [.. answers.Select(answer => answer.Value!)];
    }

    /// <summary>What each rank has, at all ranks, in their order.</summary>
    internal IReadOnlyList<byte[]> Gather(byte[] own, CollectivePurpose purpose)
    {
        byte[] lengths = Gather(BitConverter.GetBytes((long)own.Length), [.. Enumerable.Repeat((long)sizeof(long), Size)], purpose);
        return GatherParts(own, [.. MemoryMarshal.Cast<byte, long>(lengths)], purpose);
    }

    /// <summary>The same where all know how much each has.</summary>
    internal IReadOnlyList<byte[]> GatherParts(byte[] own, IReadOnlyList<long> lengths, CollectivePurpose purpose)
    {
        byte[] all = Gather(own, lengths, purpose);
        List<byte[]> parts = [];
        int start = 0;
        foreach (long length in lengths)
        {
            parts.Add(all[start..(start + (int)length)]);
            start += (int)length;
        }

        return parts;
    }

    /// <summary>What one rank has, in the same memory of all ranks.</summary>
    internal unsafe void Broadcast(Span<byte> memory, int root, CollectivePurpose purpose)
    {
        fixed (byte* address = memory)
        {
            communicator!.BeginBroadcast((nint)address, memory.Length, root, purpose).Wait();
        }
    }

    /// <summary>Does what has the same outcome at all ranks, since it follows from what all know: where it fails, it fails at all.</summary>
    internal T Alike<T>(Func<T> act)
    {
        try
        {
            return act();
        }
        catch (Exception) when (!IsAlone)
        {
            HaveAgreedToFail = true;
            throw;
        }
    }

    /// <summary>Notes that all ranks end with an exception, which each of them has made.</summary>
    internal Exception FailTogether(Exception failure)
    {
        HaveAgreedToFail = !IsAlone;
        return failure;
    }

    /// <summary>The exception with which all ranks end; the one that it happened to ends with its own.</summary>
    internal Exception Fail(RankFailure failure, Exception? own = null)
    {
        HaveAgreedToFail = true;
        return failure.Rank == Rank && own is not null ? own : failure.ToException();
    }

    private RunException Fail(RankFailure failure) => (RunException)Fail(failure, own: null);

    private byte[] Broadcast(byte[]? own, int root, CollectivePurpose purpose)
    {
        byte[] length = BitConverter.GetBytes((long)(own?.Length ?? 0));
        Broadcast(length.AsSpan(), root, purpose);
        byte[] all = own ?? new byte[BitConverter.ToInt64(length)];
        Broadcast(all.AsSpan(), root, purpose);
        return all;
    }

    private unsafe byte[] Gather(byte[] own, IReadOnlyList<long> lengths, CollectivePurpose purpose)
    {
        byte[] all = new byte[lengths.Sum()];
        fixed (byte* send = own, receive = all)
        {
            communicator!.BeginGather((nint)send, own.Length, (nint)receive, lengths, purpose).Wait();
        }

        return all;
    }

    private sealed record Answer<T>(T? Value, RankFailure? Failure)
    {
        public T ValueOr(Func<RankFailure, Exception> fail) => Failure is null ? Value! : throw fail(Failure);
    }
}
