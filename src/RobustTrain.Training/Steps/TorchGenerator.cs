using static TorchSharp.torch;

namespace RobustTrain.Training.Steps;

/// <summary>torch's one generator, from which layers draw. A process has it once, so that whoever seeds it has it for himself until he is done.</summary>
internal static class TorchGenerator
{
    private static readonly object s_gate = new();

    /// <summary>Seeds it for the calling thread alone, until the result is disposed of.</summary>
    public static IDisposable Seed(long seed)
    {
        Monitor.Enter(s_gate);
        manual_seed(seed);
        return new Held();
    }

    private sealed class Held : IDisposable
    {
        public void Dispose() => Monitor.Exit(s_gate);
    }
}
