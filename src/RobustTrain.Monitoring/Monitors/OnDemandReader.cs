using System.Diagnostics.CodeAnalysis;
using RobustTrain.Monitoring.Sources;

namespace RobustTrain.Monitoring.Monitors;

/// <summary>
/// A source read when somebody asks, on a thread of its own that ends, and lets go of the source, when nobody has asked for a while. A read
/// that does not return in time is abandoned, and until it returns further ones fail at once instead of waiting.
/// </summary>
/// <typeparam name="T">A sample.</typeparam>
/// <param name="open">Makes the source.</param>
/// <param name="idle">How long it is kept when nobody asks.</param>
/// <param name="clock">The clock.</param>
public sealed class OnDemandReader<T>(Func<ISampleSource<T>> open, TimeSpan idle, TimeProvider clock) : IDisposable
    where T : class
{
    private static readonly TimeSpan EndBound = TimeSpan.FromMilliseconds(300);

    private readonly Lock gate = new();
    private readonly Queue<Request> requests = new();
    private Thread? thread;
    private AutoResetEvent? wake;
    private ISampleSource<T>? source;
    private DateTimeOffset? hangsSince;
    private bool inCall;
    private bool ended;

    /// <summary>Reads the source.</summary>
    /// <param name="detail">How much.</param>
    /// <param name="timeout">How long to wait.</param>
    /// <param name="stopping">Ends the wait.</param>
    /// <exception cref="MonitorException">The source failed, did not answer in time, or still hangs from an earlier read.</exception>
    public async Task<T> ReadAsync(SampleDetail detail, TimeSpan timeout, CancellationToken stopping)
    {
        var request = new Request(detail);
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(ended, this);
            if (hangsSince is { } since)
                throw new MonitorException("SourceHangs", FormattableString.Invariant($"{source?.Name} has not answered since {since:HH:mm:ss} UTC; the call is still waiting in the driver or on the host."));
            requests.Enqueue(request);
            StartThread();
            wake!.Set();
        }

        try
        {
            return await request.Completion.Task.WaitAsync(timeout, clock, stopping).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            ISampleSource<T>? late;
            lock (gate)
            {
                late = inCall ? source : null;
                hangsSince = inCall ? clock.GetUtcNow() - timeout : null;
            }

            late?.Interrupt();
            throw new MonitorException("SampleTimedOut", FormattableString.Invariant($"{late?.Name ?? "The source"} has not answered within {timeout.TotalSeconds:0.###} s."));
        }
    }

    /// <summary>Ends the thread and lets go of the source; waits a fraction of a second at most.</summary>
    public void Dispose()
    {
        Thread? ending;
        ISampleSource<T>? interrupted;
        lock (gate)
        {
            ended = true;
            ending = thread;
            interrupted = inCall ? source : null;
            wake?.Set();
        }

        interrupted?.Interrupt();
        ending?.Join(EndBound);
    }

    private void StartThread()
    {
        if (thread is not null)
            return;
        source = open();
        wake = new AutoResetEvent(false);
        thread = new Thread(Run, maxStackSize: 512 * 1024) { IsBackground = true, Name = $"RobustTrain reader {source.Name}" };
        thread.Start();
    }

    private void Run()
    {
        AutoResetEvent woken = wake!;
        ISampleSource<T> reading = source!;
        while (true)
        {
            bool asked = woken.WaitOne(idle);
            while (Take() is { } request)
                Serve(reading, request);
            lock (gate)
            {
                if (!ended && (asked || requests.Count > 0))
                    continue;
                // From here on the next reader gets a thread and a source of its own.
                thread = null;
                source = null;
                wake = null;
            }

            reading.Dispose();
            woken.Dispose();
            return;
        }
    }

    private Request? Take()
    {
        lock (gate)
        {
            if (ended || !requests.TryDequeue(out Request? request))
                return null;
            inCall = true;
            return request;
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "The exception goes to the one who asked.")]
    private void Serve(ISampleSource<T> reading, Request request)
    {
        try
        {
            request.Completion.TrySetResult(reading.Sample(request.Detail));
        }
        catch (Exception failure)
        {
            request.Completion.TrySetException(failure);
        }
        finally
        {
            lock (gate)
            {
                inCall = false;
                hangsSince = null;
            }
        }
    }

    private sealed record Request(SampleDetail Detail)
    {
        public TaskCompletionSource<T> Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
