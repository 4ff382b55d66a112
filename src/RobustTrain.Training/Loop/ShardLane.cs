using System.Runtime.ExceptionServices;
using RobustTrain.Training.Distributed;
using RobustTrain.Training.Steps;
using static TorchSharp.torch;

namespace RobustTrain.Training.Loop;

/// <summary>
/// Where one of a rank's shards is computed, so that it can wait in the middle of the network for the others: a thread that runs only while its
/// owner waits for it. torch keeps by thread what belongs to a computation: scopes, whether gradients are recorded, 16 bits.
/// </summary>
internal sealed class ShardLane : IDisposable
{
    private readonly SemaphoreSlim _goesOn = new(0);
    private readonly SemaphoreSlim _stands = new(0);
    private readonly Thread _thread;
    private ShardWork? _work;
    private GeneratorTurns? _generator;
    private double[]? _answer;
    private bool _isAbandoned;

    // What the last backward pass of a normalisation gave torch, which has taken it by the time of the next.
    private IReadOnlyList<Tensor?> _given = [];

    /// <summary>Starts the thread.</summary>
    /// <param name="shard">The shard, which names it.</param>
    /// <param name="threads">The threads of an operator.</param>
    public ShardLane(int shard, int threads)
    {
        _thread = new Thread(() => Work(threads)) { IsBackground = true, Name = FormattableString.Invariant($"shard {shard}") };
        _thread.Start();
    }

    /// <summary>Whether the work has not ended yet.</summary>
    public bool IsUnderWay { get; private set; }

    /// <summary>Whether the work can't be gone on with, for a reason that it has noted itself.</summary>
    public bool HasGivenUp { get; private set; }

    /// <summary>What went wrong in it.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Where it waits.</summary>
    public NormPoint Point { get; private set; }

    /// <summary>What it has there.</summary>
    public double[]? Own { get; private set; }

    /// <summary>Takes up work.</summary>
    public void Begin(ShardWork work)
    {
        (_work, IsUnderWay, HasGivenUp, Failure, _isAbandoned) = (work, true, false, null, false);
        (Point, Own, _answer) = (default, null, null);
        _generator?.Dispose();
        _generator = new GeneratorTurns(work.Seed);
    }

    /// <summary>Lets it run until it asks for something, or ends.</summary>
    /// <param name="answer">What it has asked for; null the first time.</param>
    public void Continue(double[]? answer)
    {
        _answer = answer;
        _generator!.Take(() =>
        {
            _goesOn.Release();
            _stands.Wait();
        });
        if (Point.IsBackward || !IsUnderWay)
            _work!.EndBackward();
    }

    /// <summary>Has it end without what it has asked for.</summary>
    public void Abandon()
    {
        _isAbandoned = true;
        Continue(answer: null);
    }

    /// <summary>Asks what all shards have at a place; called by the work.</summary>
    /// <returns>Null where it is to end.</returns>
    public double[]? Ask(NormPoint point, double[] own)
    {
        if (_isAbandoned || Failure is not null)
            return null;
        (Point, Own) = (point, own);
        _stands.Release();
        _goesOn.Wait();
        return _answer;
    }

    /// <summary>Notes what went wrong where it can't be thrown: torch's own functions lie between.</summary>
    public void Fail(Exception failure) => Failure ??= failure;

    /// <summary>Throws what was noted.</summary>
    public void ThrowFailure()
    {
        Exception? failure = Failure;
        Failure = null;
        if (failure is not null)
            ExceptionDispatchInfo.Throw(failure);
    }

    /// <summary>Keeps tensors until torch has taken them.</summary>
    public IReadOnlyList<Tensor?> Give(IReadOnlyList<Tensor?> tensors)
    {
        foreach (Tensor? former in _given)
            former?.Dispose();
        return _given = tensors;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _work = null;
        _goesOn.Release();
        _thread.Join();
        _generator?.Dispose();
        _goesOn.Dispose();
        _stands.Dispose();
    }

    private void Work(int threads)
    {
        set_num_threads(threads);
        while (true)
        {
            _goesOn.Wait();
            if (_work is null)
                return;
            try
            {
                HasGivenUp = !_work.Compute(this);
            }
            catch (OperationCanceledException) when (_isAbandoned)
            {
                // The others' reason counts.
            }
            catch (Exception failed)
            {
                Fail(failed);
            }

            Give([]);
            IsUnderWay = false;
            _stands.Release();
        }
    }
}

/// <summary>What there is to do of a shard.</summary>
/// <param name="Seed">The seed of its randomness.</param>
/// <param name="Compute">Computes it; false where the others need not go on either.</param>
/// <param name="EndBackward">Ends each of its turns in which it may have gone backward.</param>
internal sealed record ShardWork(long Seed, Func<ShardLane, bool> Compute, Action EndBackward);
