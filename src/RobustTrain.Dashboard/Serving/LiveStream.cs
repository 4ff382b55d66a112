using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http;
using RobustTrain.Dashboard.Catalog;
using RobustTrain.Dashboard.Hosts;

namespace RobustTrain.Dashboard.Serving;

/// <summary>
/// Tells all open pages of what has changed, by server-sent events: each change is found and written once, whatever number of pages is open, and
/// nothing is looked at while none is.
/// </summary>
/// <param name="state">All as it stands.</param>
/// <param name="time">The clock.</param>
internal sealed class LiveStream(Func<StateView> state, TimeProvider time) : IAsyncDisposable
{
    /// <summary>The most pages that can be open.</summary>
    public const int MostPages = 64;

    private const int MostWaiting = 32;
    private static readonly TimeSpan s_tick = TimeSpan.FromSeconds(1);
    private static readonly byte[] s_heartbeat = ": nothing new\n\n"u8.ToArray();

    private readonly Lock _gate = new();
    private readonly List<Channel<byte[]>> _pages = [];
    private readonly CancellationTokenSource _ending = new();
    private readonly SemaphoreSlim _opened = new(0);
    private Task? _work;

    /// <summary>How many pages are open.</summary>
    public int Pages
    {
        get
        {
            lock (_gate)
                return _pages.Count;
        }
    }

    /// <summary>Begins to look for changes.</summary>
    public void Start() => _work = Task.Run(RunAsync);

    /// <summary>Serves a page, until it or this server is closed.</summary>
    public async Task ServeAsync(HttpContext context)
    {
        Channel<byte[]> page = Channel.CreateBounded<byte[]>(MostWaiting);
        lock (_gate)
        {
            if (_pages.Count < MostPages)
                _pages.Add(page);
            else
                page.Writer.Complete();
        }

        if (page.Reader.Completion.IsCompleted)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            await context.Response.WriteAsync($"{MostPages} pages are open; close one.\n", context.RequestAborted);
            return;
        }

        try
        {
            context.Response.ContentType = "text/event-stream";
            using CancellationTokenSource closed = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _ending.Token);

            // After the page is in the list, so that no change falls between the two.
            await context.Response.Body.WriteAsync(Message("state", JsonSerializer.SerializeToUtf8Bytes(state(), PageJson.Default.StateView)), closed.Token);
            await context.Response.Body.FlushAsync(closed.Token);
            _opened.Release();
            await foreach (byte[] message in page.Reader.ReadAllAsync(closed.Token))
            {
                await context.Response.Body.WriteAsync(message, closed.Token);
                await context.Response.Body.FlushAsync(closed.Token);
            }
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException)
        {
            // The page was closed, or the server ends.
        }
        finally
        {
            lock (_gate)
                _pages.Remove(page);
        }
    }

    /// <summary>Closes all pages' streams, which would otherwise hold up the server's end.</summary>
    public void End() => _ending.Cancel();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        End();
        if (_work is not null)
            await _work;
        _ending.Dispose();
        _opened.Dispose();
    }

    private async Task RunAsync()
    {
        Dictionary<string, long> told = [];
        Dictionary<string, byte[]> parts = [];
        string? problem = null;
        int silence = 0;
        try
        {
            while (true)
            {
                while (Pages == 0)
                {
                    told.Clear();
                    await _opened.WaitAsync(_ending.Token);
                }

                StateView now = state();
                RunSummary[] changed = [.. now.Runs.Where(run => told.GetValueOrDefault(run.Id) != run.Revision)];
                string[] gone = [.. told.Keys.Except(now.Runs.Select(run => run.Id))];
                foreach (string id in gone)
                    told.Remove(id);
                foreach (RunSummary run in changed)
                    told[run.Id] = run.Revision;
                if (changed.Length + gone.Length > 0 || now.Problem != problem)
                    Tell(Message("runs", JsonSerializer.SerializeToUtf8Bytes(new RunsChange(changed, gone, now.Problem), PageJson.Default.RunsChange)));
                problem = now.Problem;
                bool isQuiet = !TellIfNew(parts, "hosts", JsonSerializer.SerializeToUtf8Bytes(now.Hosts, PageJson.Default.IReadOnlyListHostView));
                isQuiet &= !TellIfNew(parts, "fleets", JsonSerializer.SerializeToUtf8Bytes(now.Fleets, PageJson.Default.IReadOnlyListFleetView));
                isQuiet &= !TellIfNew(parts, "alerts", JsonSerializer.SerializeToUtf8Bytes(now.Alerts, PageJson.Default.AlertsView));
                if (isQuiet && ++silence % 15 == 0)
                    Tell(s_heartbeat);
                await Task.Delay(s_tick, time, _ending.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The server ends.
        }
    }

    private bool TellIfNew(Dictionary<string, byte[]> told, string kind, byte[] json)
    {
        if (told.TryGetValue(kind, out byte[]? before) && json.AsSpan().SequenceEqual(before))
            return false;
        Tell(Message(kind, told[kind] = json));
        return true;
    }

    private void Tell(byte[] message)
    {
        lock (_gate)
        {
            foreach (Channel<byte[]> page in _pages)
            {
                // One that takes nothing is cut off; its browser comes again, and gets all anew.
                if (!page.Writer.TryWrite(message))
                    page.Writer.TryComplete();
            }
        }
    }

    // JSON has no line feeds, which would end the message.
    private static byte[] Message(string kind, byte[] json) => [.. Encoding.UTF8.GetBytes($"event: {kind}\ndata: "), .. json, .. "\n\n"u8];
}
