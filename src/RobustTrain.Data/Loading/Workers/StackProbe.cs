using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using RobustTrain.Platform;

namespace RobustTrain.Data.Loading.Workers;

/// <summary>
/// Asks for the managed stack of a stuck thread, in a process of its own: it can be killed when it takes too long, the runtime's debugging
/// code can't take the trainer with it, and nothing of it is ever loaded into a trainer or a worker.
/// </summary>
internal sealed class StackProbe : IDisposable
{
    private const int Attempts = 3;
    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(500);

    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly Lock _gate = new();
    private readonly Task<string>? _frames;
    private readonly string? _failure;
    private readonly int _thread;
    private readonly bool _isOurs;
    private ChildProcess? _process;
    private bool _isDisposed;

    /// <summary>Begins to ask.</summary>
    /// <param name="process">The thread's process: this one, or a child that lets its parent trace it.</param>
    /// <param name="thread">The system's id of the thread; 0 where it has none yet.</param>
    /// <param name="ended">Is called when the answer is there, from any thread.</param>
    public StackProbe(int process, int thread, Action ended)
    {
        _thread = thread;
        _isOurs = process == Environment.ProcessId;
        if (thread == 0)
        {
            _failure = "the thread has not begun";
            return;
        }

        try
        {
            WorkerCommand command = WorkerCommand.Find(WorkerCommand.StackVerb);
            ProcessStartInfo start = new(command.FileName, [.. command.Arguments, Text(process), Text(thread)])
            {
                RedirectStandardOutput = true,
            };
            start.Environment["DOTNET_EnableDiagnostics"] = "0";
            start.Environment["DOTNET_TieredPGO"] = "0";
            if (_isOurs)
                ThisProcess.LetTrace(process);
            Start(start);
            _frames = ReadAsync(start);
        }
        catch (Exception exception) when (exception is Win32Exception or LoaderException)
        {
            _failure = exception.Message;
            return;
        }

        _frames.ContinueWith(_ => ended(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    /// <summary>Whether the answer is there.</summary>
    public bool IsDone => _failure is not null || _frames!.IsCompleted;

    /// <summary>How long it has taken so far.</summary>
    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_start);

    /// <summary>The stack, innermost method first, or why it can't be had, as a clause of a sentence.</summary>
    public string Answer()
    {
        if (_failure is not null)
            return $"no managed stack: {_failure}";
        if (!IsDone)
            return string.Create(CultureInfo.InvariantCulture, $"no managed stack: it was not there within {Elapsed.TotalSeconds:0.#} s");
        string error = string.Join('\n', _process!.ErrorLines).Trim();
        string frames = string.Join(", ", _frames!.Result.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        return error.Length == 0 && frames.Length > 0
            ? $"managed stack: {frames}"
            : $"no managed stack: {(error.Length > 0 ? error : $"the process that reads it ended with exit code {_process.ExitCode} and no word")}";
    }

    /// <summary>Stops to ask; the thread goes on.</summary>
    public void Dispose()
    {
        lock (_gate)
            _isDisposed = true;
        if (_process is null)
            return;
        bool isKilled = !IsDone;
        _process.Kill();
        _process.WaitForExit(Grace);
        _process.Dispose();
        if (isKilled && _isOurs)
            TracedThread.Release(_thread);
    }

    private void Start(ProcessStartInfo start)
    {
        _process = ChildProcess.Start(start);
        _process.CutLifeLine();
    }

    private bool TryStart(ProcessStartInfo start)
    {
        try
        {
            Start(start);
            return true;
        }
        catch (Win32Exception)
        {
            // The answer is then how the first one ended.
            return false;
        }
    }

    // The thread's process goes on beside the reader: where it changes what the runtime's debugging code follows, that may crash.
    private async Task<string> ReadAsync(ProcessStartInfo start)
    {
        for (int attempt = 1; ; attempt++)
        {
            ChildProcess process = _process!;
            string frames = await process.Output.ReadToEndAsync().ConfigureAwait(false);
            await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
            lock (_gate)
            {
                if (process.ExitCode is 0 or 1 || attempt == Attempts || _isDisposed || !TryStart(start))
                    return frames;
            }

            process.Dispose();
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
