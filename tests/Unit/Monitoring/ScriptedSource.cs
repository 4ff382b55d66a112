using RobustTrain.Monitoring.Sources;

namespace RobustTrain.Tests.Monitoring;

/// <summary>A source that does what the test says, one step a sample; the last step is repeated.</summary>
internal sealed class ScriptedSource(params Func<string>[] steps) : ISampleSource<string>
{
    private int taken;

    public ManualResetEventSlim Release { get; } = new(false);

    public ManualResetEventSlim Disposed { get; } = new(false);

    public bool IsInterruptible { get; init; }

    public int Taken => taken;

    public List<SampleDetail> Details { get; } = [];

    public string Name => "script";

    /// <summary>A step that returns when the test says so.</summary>
    public string Hang()
    {
        Release.Wait();
        return "late";
    }

    public string Sample(SampleDetail detail)
    {
        Details.Add(detail);
        return steps[Math.Min(Interlocked.Increment(ref taken), steps.Length) - 1]();
    }

    public void Interrupt()
    {
        if (IsInterruptible)
            Release.Set();
    }

    public void Dispose() => Disposed.Set();
}
