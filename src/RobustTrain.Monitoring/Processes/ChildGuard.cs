using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace RobustTrain.Monitoring.Processes;

/// <summary>
/// Ends child processes when this process has gone, however it went: a tiny shell holds the read end of a pipe from here and the list of
/// the children, and kills them at the end of file. It runs from the first child on until it is disposed. On Windows it does nothing: there a child ends
/// by its closed standard input alone.
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

    private readonly Lock gate = new();
    private readonly HashSet<int> children = [];
    private Process? guard;
    private bool disposed;

    /// <summary>The guard's process id; null before the first child.</summary>
    internal int? ProcessId
    {
        get
        {
            lock (gate)
                return guard?.Id;
        }
    }

    /// <summary>Puts a child under guard.</summary>
    internal void Add(int processId)
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            children.Add(processId);
            if (OperatingSystem.IsWindows())
                return;

            if (guard is not null && TryTell('+', processId))
                return;

            // The first child, or somebody has killed the guard.
            End();
            Start();
            foreach (int child in children)
            {
                if (!TryTell('+', child))
                    throw new MonitorException("ChildGuardFailed", "The shell that ends child processes with this process has ended itself.");
            }
        }
    }

    /// <summary>Lets go of a child that has ended.</summary>
    internal void Remove(int processId)
    {
        lock (gate)
        {
            if (!children.Remove(processId) || guard is null)
                return;

            if (!TryTell('-', processId))
                End();
        }
    }

    /// <summary>Ends the guard. Children that are still listed are killed by it.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            disposed = true;
            End();
        }
    }

    private void Start()
    {
        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardInput = true, UseShellExecute = false };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(Script);
        try
        {
            guard = Process.Start(start);
        }
        catch (Win32Exception failure)
        {
            throw new MonitorException("ChildGuardFailed", $"/bin/sh could not be started: {failure.Message}", innerException: failure);
        }
    }

    private bool TryTell(char sign, int processId)
    {
        try
        {
            guard!.StandardInput.Write(string.Create(CultureInfo.InvariantCulture, $"{sign} {processId}\n"));
            guard.StandardInput.Flush();
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private void End()
    {
        if (guard is null)
            return;

        try
        {
            // The end of its input, with its list empty or all to be killed.
            guard.StandardInput.Close();
        }
        catch (IOException)
        {
            // It was gone already, which is what is wanted.
        }

        guard.WaitForExit(TimeSpan.FromMilliseconds(200));
        guard.Dispose();
        guard = null;
    }
}
