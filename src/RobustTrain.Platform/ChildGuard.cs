using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace RobustTrain.Platform;

/// <summary>
/// Ends child processes when this process has gone, however it went: a tiny shell holds the read end of a pipe from here and the list of
/// the children, and kills them at the end of file. It runs from the first child on until it is disposed. For programs that do not end by
/// themselves when their standard input does. On Windows a job object does it.
/// </summary>
public sealed class ChildGuard : IDisposable
{
    // Ctrl+C in a terminal goes to the whole group; the guard must not die of it before its parent does.
    private const string Script = """
        trap '' INT QUIT TERM HUP TSTP
        list=' '
        while read -r sign child; do
          case $sign in
            +) list="$list$child " ;;
            -) list="${list%% "$child" *} ${list#* "$child" }" ;;
          esac
        done
        for child in $list; do kill -9 "$child" 2>/dev/null; done
        """;

    private readonly Lock _gate = new();
    private readonly HashSet<int> _children = [];
    private Process? _shell;
    private IDisposable? _job;
    private bool _isDisposed;

    /// <summary>The shell's process id; null before the first child.</summary>
    public int? ProcessId
    {
        get
        {
            lock (_gate)
                return _shell?.Id;
        }
    }

    /// <summary>Puts a child under guard.</summary>
    /// <exception cref="Win32Exception">The shell can't be started, or ends itself.</exception>
    internal void Add(Process child)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            int processId = child.Id;
            _children.Add(processId);
            if (OperatingSystem.IsWindows())
            {
                ChildJob job = (ChildJob)(_job ??= new ChildJob());
                job.Add(child);
                return;
            }

            if (_shell is not null && TryTell('+', processId))
                return;

            // The first child, or somebody has killed the shell.
            End();
            _shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", Script]) { RedirectStandardInput = true })!;
            if (!_children.All(guarded => TryTell('+', guarded)))
                throw new Win32Exception(0, "The shell that ends child processes with this process has ended itself.");
        }
    }

    /// <summary>Lets go of a child that has ended.</summary>
    internal void Remove(int processId)
    {
        lock (_gate)
        {
            if (_children.Remove(processId) && _shell is not null && !TryTell('-', processId))
                End();
        }
    }

    /// <summary>Ends the guard. Children that are still listed are killed by it.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            End();
        }
    }

    private bool TryTell(char sign, int processId)
    {
        try
        {
            _shell!.StandardInput.Write(string.Create(CultureInfo.InvariantCulture, $"{sign} {processId}\n"));
            _shell.StandardInput.Flush();
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private void End()
    {
        _job?.Dispose();
        if (_shell is null)
            return;

        try
        {
            // The end of its input, with its list empty or all to be killed.
            _shell.StandardInput.Close();
        }
        catch (IOException)
        {
            // It was gone already, which is what is wanted.
        }

        _shell.WaitForExit(TimeSpan.FromMilliseconds(200));
        _shell.Dispose();
        _shell = null;
    }
}
