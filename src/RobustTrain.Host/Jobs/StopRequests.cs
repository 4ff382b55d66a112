using System.Runtime.InteropServices;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Host.Jobs;

/// <summary>Gathers who asks for a stop and for a checkpoint: signals, lines on standard input, the end of the life line.</summary>
/// <param name="onStop">Is called once, at the first request to stop.</param>
/// <param name="onCheckpoint">Is called for each request for a checkpoint.</param>
internal sealed class StopRequests(Action onStop, Action onCheckpoint)
{
    private readonly Lock _gate = new();
    private IRunJournal? _journal;
    private string? _reason;

    /// <summary>Who asked first for a stop; null where nobody has.</summary>
    public string? Reason
    {
        get
        {
            lock (_gate)
                return _reason;
        }
    }

    /// <summary>Names the journal that is told of a stop, one asked for already included.</summary>
    public void ReportTo(IRunJournal journal)
    {
        string? reason;
        lock (_gate)
        {
            _journal = journal;
            reason = _reason;
        }

        if (reason is not null)
            journal.Write(new StopRequested(reason));
    }

    /// <summary>Asks for a stop with a checkpoint.</summary>
    /// <param name="reason">Who asks, for people.</param>
    /// <returns>Whether it is the first such request.</returns>
    public bool Stop(string reason)
    {
        IRunJournal? journal;
        lock (_gate)
        {
            if (_reason is not null)
                return false;
            _reason = reason;
            journal = _journal;
        }

        // The training stops even where the journal's disk refuses.
        onStop();
        journal?.Write(new StopRequested(reason));
        return true;
    }

    /// <summary>Asks for a checkpoint.</summary>
    public void Checkpoint() => onCheckpoint();

    /// <summary>Tells of a request that means nothing.</summary>
    public void Reject(string line)
    {
        IRunJournal? journal;
        lock (_gate)
            journal = _journal;
        journal?.Write(new RunWarning($"Standard input says '{line}', but only 'stop' and 'checkpoint' mean something."));
    }
}

/// <summary>Work that has nothing to save: whatever asks it to stop cancels it.</summary>
internal static class CancellableWork
{
    /// <summary>Runs it.</summary>
    /// <param name="hasLifeLine">Whether standard input is the parent's life line.</param>
    /// <param name="work">The work; gives the exit code.</param>
    /// <param name="stopped">The error of work that was stopped, by who asked for it.</param>
    public static int Run(bool hasLifeLine, Func<CancellationToken, int> work, Func<string, RunException> stopped)
    {
        using CancellationTokenSource stopping = new();
        StopRequests requests = new(stopping.Cancel, onCheckpoint: () => { });
        using StopSignals signals = new(requests);
        if (hasLifeLine)
            LifeLine.Hold(Console.OpenStandardInput(), requests);
        try
        {
            return work(stopping.Token);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            throw stopped(requests.Reason!);
        }
    }
}

/// <summary>
/// Standard input as the parent's life line: the lines <c>stop</c> and <c>checkpoint</c>; its end says that the parent is gone,
/// however it went.
/// </summary>
internal static class LifeLine
{
    /// <summary>Listens until the end of the process.</summary>
    public static void Hold(Stream input, StopRequests requests) =>
        new Thread(() => Listen(input, requests)) { IsBackground = true, Name = "life line" }.Start();

    private static void Listen(Stream input, StopRequests requests)
    {
        try
        {
            using StreamReader reader = new(input);
            while (reader.ReadLine() is { } line)
                Obey(line.Trim(), requests);
        }
        catch (IOException)
        {
            // A pipe that can't be read has no parent at its other end any more.
        }

        requests.Stop("the process that started it is gone");
    }

    private static void Obey(string line, StopRequests requests)
    {
        switch (line)
        {
            case "stop":
                requests.Stop("stop on standard input");
                break;
            case "checkpoint":
                requests.Checkpoint();
                break;
            case "":
                break;
            default:
                requests.Reject(line);
                break;
        }
    }
}

/// <summary>
/// SIGTERM, SIGINT, SIGUSR1 (Slurm's <c>--signal</c>) and SIGHUP (a terminal that is closed) ask for a stop with a checkpoint; on Windows
/// Ctrl+C, Ctrl+Break, a console that is closed, a session that ends, and <see cref="StopRequest"/>. A second SIGINT or Ctrl+C ends the process
/// at once.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    // PosixSignal takes raw numbers for signals that it has no name for.
    private const PosixSignal LinuxUser1 = (PosixSignal)10;
    private const PosixSignal MacUser1 = (PosixSignal)30;
    private const int HangUpNumber = 1;
    private const int InterruptNumber = 2;

    private readonly List<IDisposable> _registrations = [];
    private readonly StopRequests _requests;
    private int _interrupts;

    /// <summary>Begins to listen.</summary>
    public StopSignals(StopRequests requests)
    {
        _requests = requests;
        if (OperatingSystem.IsWindows())
        {
            _registrations.Add(new ConsoleControl(Take));
            _registrations.Add(StopRequest.Listen(() => requests.Stop("Stop-Training"))!);
            return;
        }

        // A shell without job control has SIGINT ignored in what it starts by '&', to spare it the terminal's Ctrl+C. Here that
        // means a checkpoint, and somebody who sends it by kill means it too.
        PosixSignals.Unignore(InterruptNumber);
        Listen(PosixSignal.SIGTERM, "SIGTERM");
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = IsFirstInterrupt("SIGINT")));
        if (OperatingSystem.IsLinux())
            Listen(LinuxUser1, "SIGUSR1");
        else if (OperatingSystem.IsMacOS())
            Listen(MacUser1, "SIGUSR1");

        // nohup has it ignored, and means it.
        if (!PosixSignals.IsIgnored(HangUpNumber))
            Listen(PosixSignal.SIGHUP, "SIGHUP");
    }

    /// <inheritdoc/>
    public void Dispose() => _registrations.ForEach(registration => registration.Dispose());

    private void Listen(PosixSignal signal, string name) => _registrations.Add(PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        _requests.Stop(name);
    }));

    private bool Take(ConsoleEvent happened)
    {
        switch (happened)
        {
            case ConsoleEvent.Interrupt:
                return IsFirstInterrupt("Ctrl+C");
            case ConsoleEvent.Break:
                return IsFirstInterrupt("Ctrl+Break");
            case ConsoleEvent.Close:
                _requests.Stop("the console was closed");
                return true;
            case ConsoleEvent.LogOff:
                _requests.Stop("the user logged off");
                return true;
            default:
                _requests.Stop("the machine shuts down");
                return true;
        }
    }

    // Not taken, it does what it does to any process: the second one ends it, with what a shell expects as status.
    private bool IsFirstInterrupt(string name)
    {
        _requests.Stop(name);
        return Interlocked.Increment(ref _interrupts) == 1;
    }
}
