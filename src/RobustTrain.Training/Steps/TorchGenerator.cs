using static TorchSharp.torch;

namespace RobustTrain.Training.Steps;

/// <summary>torch's one generator, from which layers draw. A process has it once, so that whoever seeds it has it for himself until he is done.</summary>
internal static class TorchGenerator
{
    private static readonly object s_gate = new();

    /// <summary>Seeds it for the calling thread alone, until the result is disposed of.</summary>
    public static IDisposable Seed(long seed)
    {
        IDisposable held = Hold();
        manual_seed(seed);
        return held;
    }

    /// <summary>Keeps it for the calling thread alone, as it is, until the result is disposed of.</summary>
    public static IDisposable Hold()
    {
        Monitor.Enter(s_gate);
        return new Held();
    }

    private sealed class Held : IDisposable
    {
        public void Dispose() => Monitor.Exit(s_gate);
    }
}

/// <summary>What one of several draws that take turns with torch's one generator: it goes on where its last turn ended.</summary>
/// <param name="seed">The seed of its first turn.</param>
internal sealed class GeneratorTurns(long seed) : IDisposable
{
    private Tensor? _state;

    /// <summary>Does something that draws from the generator, on whichever thread, while no other does.</summary>
    public void Take(Action turn)
    {
        using IDisposable held = TorchGenerator.Hold();
        if (_state is null)
            manual_seed(seed);
        else
            set_rng_state(_state);
        turn();
        _state?.Dispose();
        _state = get_rng_state().DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => _state?.Dispose();
}
