using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using RobustTrain.Platform;
using RobustTrain.Runs.Events;

namespace RobustTrain.Tests.Host;

/// <summary>A <c>robusttrain train</c> at work whose events a test waits for.</summary>
public sealed partial class LiveTraining : IDisposable
{
    /// <summary>The exit code of a process that was killed.</summary>
    public static readonly int Killed = OperatingSystem.IsWindows() ? -1 : 128 + PosixSignals.Kill;

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(10);

    private readonly Process _process;
    private readonly Task<string> _error;
    private readonly CancellationTokenSource _limit = new(s_limit);

    public LiveTraining(Process process)
    {
        _process = process;
        _error = process.StandardError.ReadToEndAsync();
    }

    /// <summary>What was read so far.</summary>
    public List<RunEvent> Events { get; } = [];

    public int ProcessId => _process.Id;

    public StreamWriter Input => _process.StandardInput;

    /// <summary>Reads events until one of a kind comes.</summary>
    public async Task<T> Next<T>()
        where T : RunEvent
    {
        while (await ReadEvent() is { } runEvent)
        {
            if (runEvent is T found)
                return found;
        }

        throw new InvalidOperationException($"The training ended without a {typeof(T).Name}: {await _error}");
    }

    /// <summary>Reads to the end of the process.</summary>
    public async Task<HostRun> End()
    {
        while (await ReadEvent() is not null)
        {
        }

        await _process.WaitForExitAsync();
        return new HostRun(_process.ExitCode, "", HostRun.Plain(await _error));
    }

    /// <summary>Sends a signal; on Windows, which has none, what does the same: SIGKILL and SIGTERM.</summary>
    public void Signal(int number)
    {
        if (!OperatingSystem.IsWindows())
        {
            if (Kill(_process.Id, number) != 0)
                throw new InvalidOperationException($"kill: {Marshal.GetLastPInvokeErrorMessage()}");
        }
        else if (number == PosixSignals.Kill)
        {
            _process.Kill();
        }
        else if (number != PosixSignals.Terminate || StopRequest.Send(_process.Id) is not null)
        {
            throw new InvalidOperationException($"Windows knows no signal {number}, or the process takes none.");
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
        _limit.Dispose();
    }

    private async Task<RunEvent?> ReadEvent()
    {
        string? line;
        try
        {
            line = await _process.StandardOutput.ReadLineAsync(_limit.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"What the test waits for has not come within {s_limit}; the last events: {string.Join('\n', Events.TakeLast(20))}");
        }

        if (line is null)
            return null;
        RunEvent runEvent = EventLine.Read(Encoding.UTF8.GetBytes(line)) ?? throw new InvalidOperationException($"'{line}' is no event.");
        Events.Add(runEvent);
        return runEvent;
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);
}
