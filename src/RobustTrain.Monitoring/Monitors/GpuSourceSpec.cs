using System.Globalization;
using RobustTrain.Monitoring.Sources;
using RobustTrain.Monitoring.Sources.NvidiaSmi;
using RobustTrain.Monitoring.Sources.Nvml;
using RobustTrain.Monitoring.Sources.Simulated;
using RobustTrain.Monitoring.Status;
using RobustTrain.Platform;

namespace RobustTrain.Monitoring.Monitors;

/// <summary>Which source this host's GPUs are read from: <c>auto</c>, <c>nvml</c>, <c>nvidia-smi</c> or <c>simulated:8</c>.</summary>
public sealed record GpuSourceSpec
{
    private const string SimulatedPrefix = "simulated:";
    private const int MostSimulated = 1024;

    // A source of real GPUs is named here alone.
    private static readonly Dictionary<string, Maker> s_makers = new()
    {
        ["auto"] = (computerName, options, guard) => new AutoGpuSource(computerName, options, guard),
        ["nvml"] = (computerName, options, _) => new NvmlSource(computerName, options),
        ["nvidia-smi"] = (computerName, options, guard) => new NvidiaSmiSource(computerName, options, guard),
    };

    private GpuSourceSpec(string text, int? simulated)
    {
        Text = text;
        Simulated = simulated;
    }

    private delegate ISampleSource<GpuSnapshot> Maker(string computerName, MonitorOptions options, ChildGuard guard);

    /// <summary>NVML, or nvidia-smi where NVML cannot be loaded.</summary>
    public static GpuSourceSpec Auto { get; } = new("auto", null);

    /// <summary>All kinds, as they are written.</summary>
    public static IReadOnlyList<string> Known { get; } = [.. s_makers.Keys, $"{SimulatedPrefix}8"];

    /// <summary>As it was written.</summary>
    public string Text { get; }

    /// <summary>How many GPUs to simulate; null where real ones are meant.</summary>
    public int? Simulated { get; }

    /// <summary>Reads a specification.</summary>
    /// <exception cref="FormatException">The text is not a valid source; the message says what is expected.</exception>
    public static GpuSourceSpec Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string lower = text.Trim().ToLowerInvariant();
        if (s_makers.ContainsKey(lower))
            return new GpuSourceSpec(lower, null);
        if (lower.StartsWith(SimulatedPrefix, StringComparison.Ordinal)
            && int.TryParse(lower.AsSpan(SimulatedPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int count)
            && count is >= 1 and <= MostSimulated)
        {
            return new GpuSourceSpec(lower, count);
        }

        throw new FormatException($"'{text}' is no GPU source; expected {string.Join(", ", s_makers.Keys)} or {SimulatedPrefix}N with N from 1 to {MostSimulated}.{NearestName.Hint(lower, Known)}");
    }

    /// <summary>Makes the source; it opens nothing until it is sampled.</summary>
    public ISampleSource<GpuSnapshot> Create(string computerName, MonitorOptions options, ChildGuard guard) => Simulated is { } count
        ? new SimulatedGpuSource(computerName, count, options)
        : s_makers[Text](computerName, options, guard);

    /// <inheritdoc/>
    public override string ToString() => Text;
}

/// <summary>NVML, or <c>nvidia-smi</c> on a host where only that works; which one shows in <see cref="Name"/>.</summary>
internal sealed class AutoGpuSource(string computerName, MonitorOptions options, ChildGuard guard) : ISampleSource<GpuSnapshot>
{
    // A driver does not appear often, and looking for it at every tick costs more than reading it would.
    private static readonly TimeSpan SearchAgain = TimeSpan.FromSeconds(30);

    private volatile ISampleSource<GpuSnapshot> _chosen = new NvmlSource(computerName, options);
    private NvmlException? _absence;
    private long _searched;

    public string Name => _chosen.Name;

    public GpuSnapshot Sample(SampleDetail detail)
    {
        if (_absence is not null && options.TimeProvider.GetElapsedTime(_searched) < SearchAgain)
            throw _absence;
        try
        {
            _absence = null;
            return _chosen.Sample(detail);
        }
        catch (NvmlException failure) when (failure.IsAbsence)
        {
            if (NvidiaSmiSource.Find() is null)
            {
                _absence = failure;
                _searched = options.TimeProvider.GetTimestamp();
                throw;
            }

            _chosen.Dispose();
            _chosen = new NvidiaSmiSource(computerName, options, guard);
            return _chosen.Sample(SampleDetail.Full);
        }
    }

    public void Interrupt() => _chosen.Interrupt();

    public void Dispose() => _chosen.Dispose();
}
