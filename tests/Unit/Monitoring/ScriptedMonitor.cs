using System.Collections.Concurrent;
using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Monitors;
using RobustTrain.Monitoring.Sources;

namespace RobustTrain.Tests.Monitoring;

/// <summary>A monitor of a <see cref="ScriptedSource"/> whose publications the test awaits one by one.</summary>
internal sealed class ScriptedMonitor : MonitorBase<string>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly BlockingCollection<string> published = [];

    public ScriptedMonitor(ISampleSource<string> source, MonitorOptions options)
        : base("host", source, options) => Published += published.Add;

    public int Waiting => published.Count;

    public string Next() => published.TryTake(out string? text, Patience) ? text : throw new TimeoutException("Nothing was published.");

    protected override string Complete(string sample, SampleCost cost) => sample;

    protected override string MarkStale(string? last, DateTimeOffset now, DateTimeOffset since, string reason) => $"stale: {reason}";
}
