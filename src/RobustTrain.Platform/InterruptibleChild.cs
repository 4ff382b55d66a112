using System.ComponentModel;
using System.Diagnostics;

namespace RobustTrain.Platform;

/// <summary>One child at a time that another thread may interrupt, also while it is being started.</summary>
/// <param name="guard">Kills it with this process.</param>
public sealed class InterruptibleChild(ChildGuard guard)
{
    private readonly Lock _gate = new();
    private bool _isInterrupted;

    /// <summary>The child; null where none has been started.</summary>
    public ChildProcess? Current { get; private set; }

    /// <summary>Whether it has been interrupted since <see cref="ForgetInterrupt"/>.</summary>
    public bool IsInterrupted
    {
        get
        {
            lock (_gate)
                return _isInterrupted;
        }
    }

    /// <summary>Starts a program that the terminal's signals do not reach, with its output redirected; it is killed where an interrupt came first.</summary>
    /// <exception cref="Win32Exception">It can't be started, or not be guarded.</exception>
    public ChildProcess Start(string program, IEnumerable<string> arguments)
    {
        ProcessStartInfo start = ChildProcess.AwayFromTerminal(program, arguments);
        start.RedirectStandardOutput = true;
        ChildProcess child = ChildProcess.Start(start, guard);
        lock (_gate)
        {
            Current = child;
            if (_isInterrupted)
                child.Kill();
        }

        return child;
    }

    /// <summary>Kills the child, or the one that is on its way.</summary>
    public void Interrupt()
    {
        lock (_gate)
        {
            _isInterrupted = true;
            Current?.Kill();
        }
    }

    /// <summary>Forgets an interrupt.</summary>
    public void ForgetInterrupt()
    {
        lock (_gate)
            _isInterrupted = false;
    }

    /// <summary>Lets go of the child; another may be started.</summary>
    public void Drop()
    {
        ChildProcess? dropped;
        lock (_gate)
        {
            dropped = Current;
            Current = null;
        }

        dropped?.Dispose();
    }
}
