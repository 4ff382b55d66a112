using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text;
using RobustTrain.Platform;
using RobustTrain.Runs.Events;

namespace RobustTrain.Chaos;

/// <summary>A <c>robusttrain train</c> at work, whose steps are watched.</summary>
internal sealed class TrainerProcess : IDisposable
{
    private readonly Process _process;
    private readonly Task _reading;
    private readonly Task<string> _error;
    private readonly Action<RunEvent>? _happened;
    private long _lastStep = -1;

    /// <summary>What holds, on Windows, the trainers and all that they start.</summary>
    [SupportedOSPlatform("windows")]
    public static Lazy<ChildJob> Job { get; } = new(() => new ChildJob());

    /// <summary>Starts one.</summary>
    /// <param name="host">The executable.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="variables">What its environment has beside this one's.</param>
    /// <param name="happened">Takes its events, on another thread; null where nobody wants them.</param>
    public TrainerProcess(string host, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> variables, Action<RunEvent>? happened = null)
    {
        _happened = happened;
        ProcessStartInfo start = new(host, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in variables)
            start.Environment[name] = value;
        _process = Process.Start(start)!;
        if (OperatingSystem.IsWindows())
            Job.Value.Add(_process);
        _error = _process.StandardError.ReadToEndAsync();
        _reading = Task.Run(Read);
    }

    /// <summary>The step of the run that was last done, from 0; -1 before the first.</summary>
    public long LastStep => Volatile.Read(ref _lastStep);

    /// <summary>Whether it has ended.</summary>
    public bool HasEnded => _process.HasExited;

    /// <summary>Its exit code; <see cref="Signals.KilledCode"/> where it was killed.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>Its loader workers.</summary>
    public IReadOnlyList<int> Workers => Processes.ChildrenOf(_process.Id, "loader-worker");

    /// <summary>The last line on its standard error, once it has ended.</summary>
    public string LastWords => _error.GetAwaiter().GetResult().TrimEnd().Split('\n')[^1];

    /// <summary>Sends a signal.</summary>
    public void Signal(int signal) => Signals.Send(_process.Id, signal);

    /// <summary>Waits for its end.</summary>
    /// <returns>False where it didn't come in time.</returns>
    public bool WaitForEnd(TimeSpan limit) => _process.WaitForExit(limit) && _reading.Wait(limit);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private void Read()
    {
        while (_process.StandardOutput.ReadLine() is { } line)
        {
            if (EventLine.Read(Encoding.UTF8.GetBytes(line)) is not { } happened)
                continue;
            if (happened is StepFinished step)
                Volatile.Write(ref _lastStep, step.GlobalStep);
            _happened?.Invoke(happened);
        }
    }
}
