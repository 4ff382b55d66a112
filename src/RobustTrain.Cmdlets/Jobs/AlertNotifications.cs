using System.Globalization;
using System.Threading.Channels;
using RobustTrain.Monitoring.Status;
using RobustTrain.Platform.Notifications;

namespace RobustTrain.Cmdlets.Jobs;

/// <summary>Tells commands and webhooks of a monitor's alerts, one after the other and beside the monitor, which never waits for them.</summary>
internal sealed class AlertNotifications : IDisposable
{
    // Where a webhook hangs while limits flap, the newest alerts are those that matter.
    private const int MostWaiting = 100;

    private readonly CancellationTokenSource _ended = new();
    private readonly Channel<MonitorAlert> _alerts = Channel.CreateBounded<MonitorAlert>(new BoundedChannelOptions(MostWaiting) { FullMode = BoundedChannelFullMode.DropOldest });
    private readonly IReadOnlyList<NotificationTarget> _targets;
    private readonly Action<string> _onFailure;

    /// <summary>Begins to wait for alerts.</summary>
    /// <param name="targets">Who is told.</param>
    /// <param name="onFailure">Is told in a sentence, on another thread, where that could not be done.</param>
    public AlertNotifications(IReadOnlyList<NotificationTarget> targets, Action<string> onFailure)
    {
        (_targets, _onFailure) = (targets, onFailure);
        _ = SendAsync();
    }

    /// <summary>Takes an alert; never waits.</summary>
    public void Take(MonitorAlert alert) => _alerts.Writer.TryWrite(alert);

    /// <summary>Ends it; what is not told yet is not told any more.</summary>
    public void Dispose()
    {
        _alerts.Writer.TryComplete();
        _ended.Cancel();
    }

    private async Task SendAsync()
    {
        NotificationSender sender = new();
        try
        {
            await foreach (MonitorAlert alert in _alerts.Reader.ReadAllAsync(_ended.Token).ConfigureAwait(false))
            {
                foreach (string sentence in await sender.SendAsync(_targets, "alert", Write(alert), _ended.Token).ConfigureAwait(false))
                    _onFailure(sentence);
            }
        }
        catch (OperationCanceledException)
        {
            // The monitor has ended.
        }
    }

    private static ReadOnlyMemory<byte> Write(MonitorAlert alert)
    {
        string id = string.Create(CultureInfo.InvariantCulture, $"{alert.ComputerName}/{alert.Index}/{alert.Rule}/{alert.State}/{alert.Since:O}");
        return NotificationMessage.Write("alert", id, alert.Time, alert.Message, alert.ComputerName, json =>
        {
            json.WriteStartObject("alert");
            json.WriteString("state", alert.State.ToString().ToLowerInvariant());
            json.WriteString("rule", alert.Rule);
            json.WriteString("property", alert.Property);
            json.WriteNumber("value", alert.Value);
            json.WriteNumber("threshold", alert.Threshold);
            json.WriteString("since", alert.Since);
            json.WriteString("gpu_uuid", alert.Uuid);
            json.WriteEndObject();
        });
    }
}
