using System.Diagnostics.Metrics;
using System.Diagnostics.Tracing;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Host.Output;

/// <summary>
/// Sends a run's figures to an OpenTelemetry collector by OTLP, where the environment names one (<c>OTEL_EXPORTER_OTLP_ENDPOINT</c> and its like, as
/// OpenTelemetry's specification has them). Nothing is loaded and nothing is measured where it doesn't.
/// </summary>
internal sealed class TelemetryJournal : IRunJournal, IDisposable
{
    private const string MeterName = "RobustTrain";
    private const string EndpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string MetricsEndpointVariable = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
    private const string ProtocolVariable = "OTEL_EXPORTER_OTLP_PROTOCOL";
    private const string MetricsProtocolVariable = "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL";

    // A collector that hangs must not hold up the end of a run.
    private static readonly TimeSpan s_lastWords = TimeSpan.FromSeconds(3);

    private readonly Meter _meter = new(MeterName);
    private readonly Gauge<double> _loss;
    private readonly Gauge<double> _learningRate;
    private readonly Gauge<double> _samplesPerSecond;
    private readonly Gauge<double> _dataWaitShare;
    private readonly Gauge<long> _step;
    private readonly Gauge<int> _epochsDone;
    private readonly Gauge<double> _score;
    private readonly Gauge<double> _checkpointSeconds;
    private readonly Gauge<double> _checkpointHeldSeconds;
    private readonly MeterProvider _provider;
    private readonly ExportWarnings _warnings;
    private int _isDisposed;

    private TelemetryJournal(RunFolder run, Action<string> onFailure)
    {
        _warnings = new ExportWarnings(onFailure);
        _loss = _meter.CreateGauge<double>("robusttrain.loss", description: "The loss of the last step.");
        _learningRate = _meter.CreateGauge<double>("robusttrain.learning_rate", description: "The learning rate of the last step.");
        _samplesPerSecond = _meter.CreateGauge<double>("robusttrain.samples_per_second", "{sample}/s", "Training samples a second.");
        _dataWaitShare = _meter.CreateGauge<double>("robusttrain.data_wait_share", "1", "The share of the time that the trainer waited for data.");
        _step = _meter.CreateGauge<long>("robusttrain.step", "{step}", "The steps that are done.");
        _epochsDone = _meter.CreateGauge<int>("robusttrain.epochs_done", "{epoch}", "The epochs that are complete.");
        _score = _meter.CreateGauge<double>("robusttrain.score", description: "The scores of the last validation, by name.");
        _checkpointSeconds = _meter.CreateGauge<double>("robusttrain.checkpoint_seconds", "s", "From when the last checkpoint was taken until it was on disk.");
        _checkpointHeldSeconds = _meter.CreateGauge<double>("robusttrain.checkpoint_held_seconds", "s", "How long taking it has held the training.");
        _provider = Sdk.CreateMeterProviderBuilder()
            .ConfigureResource(resource => resource
                .AddService("robusttrain", serviceVersion: run.Record.Versions.RobustTrain, autoGenerateServiceInstanceId: false, serviceInstanceId: run.Record.Id)
                .AddAttributes([new("robusttrain.run.name", run.Record.Name), new("robusttrain.run.path", run.Path), new("host.name", Environment.MachineName)])
                .AddEnvironmentVariableDetector())
            .AddMeter(MeterName)
            .AddOtlpExporter(options =>
            {
                // The specification's default, which the library's is not.
                if (Environment.GetEnvironmentVariable(MetricsProtocolVariable) is null && Environment.GetEnvironmentVariable(ProtocolVariable) is null)
                    options.Protocol = OtlpExportProtocol.HttpProtobuf;
            })
            .Build();
    }

    /// <summary>Begins to send, where the environment names a collector; null where it does not.</summary>
    /// <param name="run">The run.</param>
    /// <param name="onFailure">Is told once, in a sentence and on another thread, where figures can't be sent.</param>
    /// <exception cref="RunException">The collector's address is none.</exception>
    public static TelemetryJournal? Open(RunFolder run, Action<string> onFailure) => CheckEndpoint() ? new TelemetryJournal(run, onFailure) : null;

    /// <summary>Whether the environment names a collector.</summary>
    /// <exception cref="RunException">Its address is none.</exception>
    public static bool CheckEndpoint()
    {
        foreach (string variable in new[] { MetricsEndpointVariable, EndpointVariable })
        {
            if (Environment.GetEnvironmentVariable(variable) is not { Length: > 0 } address)
                continue;
            return Uri.TryCreate(address, UriKind.Absolute, out Uri? endpoint) && endpoint.Scheme is "http" or "https"
                ? true
                : throw new RunException(ExitCode.Configuration, "TelemetryEndpointInvalid", $"The environment variable {variable} is '{address}'; the address of an OpenTelemetry collector, as http://localhost:4318, is expected.");
        }

        return false;
    }

    /// <inheritdoc/>
    public void Write(RunEvent runEvent)
    {
        switch (runEvent)
        {
            case StepFinished step:
                _loss.Record(step.Loss);
                _learningRate.Record(step.LearningRate);
                _samplesPerSecond.Record(step.SamplesPerSecond);
                _dataWaitShare.Record(step.DataWaitShare);
                _step.Record(step.GlobalStep + 1);
                break;
            case EpochFinished epoch:
                _epochsDone.Record(epoch.Epoch + 1);
                foreach ((string name, double score) in epoch.Scores ?? new Dictionary<string, double>())
                    _score.Record(score, new KeyValuePair<string, object?>("score", name));
                break;
            case CheckpointSaved saved:
                _checkpointSeconds.Record(saved.DurationSeconds);
                _checkpointHeldSeconds.Record(saved.HeldSeconds);
                break;
        }
    }

    /// <summary>Sends what was measured last, once.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        _provider.Shutdown((int)s_lastWords.TotalMilliseconds);
        _provider.Dispose();
        _meter.Dispose();
        _warnings.Dispose();
    }

    /// <summary>Hears what OpenTelemetry's exporter says of failures, which it tells nobody else.</summary>
    private sealed class ExportWarnings(Action<string> onFailure) : EventListener
    {
        private int _told;

        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            if (eventSource.Name == "OpenTelemetry-Exporter-OpenTelemetryProtocol")
                EnableEvents(eventSource, EventLevel.Warning);
        }

        protected override void OnEventWritten(EventWrittenEventArgs eventData)
        {
            if (Interlocked.Exchange(ref _told, 1) != 0)
                return;
            string reason = string.Join(" ", eventData.Payload?.OfType<string>().Select(text => text.Split('\n')[0].Trim()) ?? []);
            onFailure($"Figures can't be sent to the OpenTelemetry collector: {reason}");
        }
    }
}
