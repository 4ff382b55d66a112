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

    private readonly Lock _gate = new();
    private readonly Queue<Request> _requests = new();
    private Thread? _thread;
    private AutoResetEvent? _wake;
    private ISampleSource<T>? _source;
    private DateTimeOffset? _hangsSince;
    private bool _inCall;
    private bool _ended;

    /// <summary>Reads the source.</summary>
    /// <param name="detail">How much.</param>
    /// <param name="timeout">How long to wait.</param>
    /// <param name="stopping">Ends the wait.</param>
    /// <exception cref="MonitorException">The source failed, did not answer in time, or still hangs from an earlier read.</exception>
    public async Task<T> ReadAsync(SampleDetail detail, TimeSpan timeout, CancellationToken stopping)
    {
        var request = new Request(detail);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_ended, this);
            if (_hangsSince is { } since)
                throw new MonitorException("SourceHangs", FormattableString.Invariant($"{_source?.Name} has not answered since {since:HH:mm:ss} UTC; the call is still waiting in the driver or on the host."));
            _requests.Enqueue(request);
            StartThread();
            _wake!.Set();
        }

        try
        {
            return await request.Completion.Task.WaitAsync(timeout, clock, stopping).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            ISampleSource<T>? late;
            lock (_gate)
            {
                late = _inCall ? _source : null;
                _hangsSince = _inCall ? clock.GetUtcNow() - timeout : null;
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
        lock (_gate)
        {
            _ended = true;
            ending = _thread;
            interrupted = _inCall ? _source : null;
            _wake?.Set();
        }

        interrupted?.Interrupt();
        ending?.Join(EndBound);
    }

    private void StartThread()
    {
        if (_thread is not null)
            return;
        _source = open();
        _wake = new AutoResetEvent(false);
        _thread = new Thread(Run, maxStackSize: 512 * 1024) { IsBackground = true, Name = $"RobustTrain reader {_source.Name}" };
        _thread.Start();
    }

    private void Run()
    {
        AutoResetEvent woken = _wake!;
        ISampleSource<T> reading = _source!;
        while (true)
        {
            bool asked = woken.WaitOne(idle);
            while (Take() is { } request)
                Serve(reading, request);
            lock (_gate)
            {
                if (!_ended && (asked || _requests.Count > 0))
                    continue;
                // From here on the next reader gets a thread and a source of its own.
                _thread = null;
                _source = null;
                _wake = null;
            }

            reading.Dispose();
            woken.Dispose();
            return;
        }
    }

    private Request? Take()
    {
        lock (_gate)
        {
            if (_ended || !_requests.TryDequeue(out Request? request))
                return null;
            _inCall = true;
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
            lock (_gate)
            {
                _inCall = false;
                _hangsSince = null;
            }
        }
    }

    private sealed record Request(SampleDetail Detail)
    {
        public TaskCompletionSource<T> Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
