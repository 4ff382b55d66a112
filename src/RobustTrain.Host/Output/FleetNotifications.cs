using System.Globalization;
using System.Text.Json;
using System.Threading.Channels;
using RobustTrain.Fleet.State;
using RobustTrain.Platform.Notifications;

namespace RobustTrain.Host.Output;

/// <summary>
/// Tells whoever asked how a fleet's runs, its hosts and the fleet itself stand, one after the other and beside the fleet, which never waits for
/// it. What stood so already when the fleet's process before this one last looked was told by that one.
/// </summary>
internal sealed class FleetNotifications : IDisposable
{
    // Where a webhook hangs while hosts come and go, the newest messages are those that matter.
    private const int MostWaiting = 1000;

    // At the fleet's end; a job is killed 10 s after it was told to stop.
    private static readonly TimeSpan s_lastWords = TimeSpan.FromSeconds(8);

    private readonly CancellationTokenSource _ended = new();
    private readonly Channel<(string Kind, ReadOnlyMemory<byte> Json)> _messages = Channel.CreateBounded<(string Kind, ReadOnlyMemory<byte> Json)>(new BoundedChannelOptions(MostWaiting) { FullMode = BoundedChannelFullMode.DropOldest });
    private readonly Dictionary<string, MemberState> _members = [];
    private readonly Dictionary<string, bool> _hosts = new(StringComparer.OrdinalIgnoreCase);
    private readonly IReadOnlyList<NotificationTarget> _targets;
    private readonly string _path;
    private readonly string _id;
    private readonly TimeProvider _time;
    private readonly Task _sending;

    /// <summary>Begins to tell.</summary>
    /// <param name="targets">Who is told; nobody where there is none.</param>
    /// <param name="path">The fleet's folder.</param>
    /// <param name="id">The fleet's id.</param>
    /// <param name="before">How everything stood at the last look of the process before; null where there was none.</param>
    /// <param name="onFailure">Is told in a sentence, on another thread, where somebody could not be told.</param>
    /// <param name="time">The clock.</param>
    public FleetNotifications(IReadOnlyList<NotificationTarget> targets, string path, string id, FleetStatus? before, Action<string> onFailure, TimeProvider time)
    {
        (_targets, _path, _id, _time) = (targets, path, id, time);
        foreach (MemberStatus member in before?.Members ?? [])
            _members[member.Name] = member.State;
        foreach (HostStatus host in before?.Hosts ?? [])
            _hosts[host.Name] = host.IsUsable;
        _sending = SendAsync(onFailure);
    }

    /// <summary>Takes how a run stands: that it is finished, has failed for good or is stuck, or (as an alert) that its configuration is another one now.</summary>
    public void Take(MemberStatus member)
    {
        if (_members.TryGetValue(member.Name, out MemberState former) && former == member.State)
            return;
        _members[member.Name] = member.State;
        string? kind = member.State switch
        {
            MemberState.Finished => "finished",
            MemberState.Failed => "failed",
            MemberState.Stuck => "stuck",
            MemberState.Outdated => "alert",
            _ => null,
        };
        if (kind is null)
            return;
        string state = member.State.ToString().ToLowerInvariant();
        Write(kind, $"{member.Name}/{state}/{member.Failures}", $"The run '{member.Name}' of the fleet at {_path} {(kind is "stuck" or "alert" ? "is" : "has")} {state}: {member.Reason}.", json =>
        {
            json.WriteStartObject("run");
            json.WriteString("path", FleetFolder.RunPathOf(_path, member.Name));
            json.WriteString("name", member.Name);
            json.WriteString("state", state);
            json.WriteString("reason", member.Reason);
            json.WriteString("host", member.Host);
            json.WriteString("configuration", member.Config);
            json.WriteNumber("epochs_done", member.EpochsDone);
            json.WriteNumber("failures", member.Failures);
            json.WriteEndObject();
        });
    }

    /// <summary>Takes how a host stands: an alert where it can't be used, and where it can again.</summary>
    public void Take(HostStatus host)
    {
        bool isNews = _hosts.TryGetValue(host.Name, out bool former) ? former != host.IsUsable : !host.IsUsable;
        _hosts[host.Name] = host.IsUsable;
        if (!isNews)
            return;
        string state = host.IsUsable ? "cleared" : "raised";
        Write("alert", $"{host.Name}/{state}", host.IsUsable ? $"The host {host.Name} of the fleet at {_path} can be used again." : $"The host {host.Name} of the fleet at {_path} can't be used: {host.Reason}.", json =>
        {
            json.WriteStartObject("alert");
            json.WriteString("state", state);
            json.WriteString("host", host.Name);
            json.WriteString("reason", host.Reason);
            json.WriteEndObject();
        });
    }

    /// <summary>Takes how the fleet has ended, and waits until all is told or given up, which is bounded.</summary>
    /// <param name="kind">finished, failed or stopped.</param>
    /// <param name="sentence">What that means.</param>
    public void TakeEnd(string kind, string sentence)
    {
        Write(kind, "fleet", sentence, _ => { });
        Dispose();
    }

    /// <summary>Waits until all is told or given up, which is bounded.</summary>
    public void Dispose()
    {
        if (!_messages.Writer.TryComplete())
            return;
        _ended.CancelAfter(s_lastWords);
        _sending.GetAwaiter().GetResult();
        _ended.Dispose();
    }

    private async Task SendAsync(Action<string> onFailure)
    {
        NotificationSender sender = new();
        await foreach ((string kind, ReadOnlyMemory<byte> message) in _messages.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            foreach (string sentence in await sender.SendAsync(_targets, kind, message, _ended.Token).ConfigureAwait(false))
                onFailure(sentence);
        }
    }

    private void Write(string kind, string subject, string sentence, Action<Utf8JsonWriter> writeSubject)
    {
        if (_targets.Count == 0)
            return;
        DateTimeOffset now = _time.GetUtcNow();
        string id = string.Create(CultureInfo.InvariantCulture, $"{_id}/{subject}/{kind}/{now:O}");
        _messages.Writer.TryWrite((kind, NotificationMessage.Write(kind, id, now, sentence, Environment.MachineName, json =>
        {
            json.WriteNumber("process_id", Environment.ProcessId);
            json.WriteStartObject("fleet");
            json.WriteString("path", _path);
            json.WriteString("id", _id);
            json.WriteEndObject();
            writeSubject(json);
        })));
    }
}
