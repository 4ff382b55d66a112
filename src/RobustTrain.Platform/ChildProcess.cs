using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace RobustTrain.Platform;

/// <summary>
/// A child process. Its standard input is its life line: when this process is gone, however it went, the kernel closes it and the child ends
/// by itself; a child that would not, or could not while it stands still, is put under a <see cref="ChildGuard"/> or dies with this process. The
/// last lines of its standard error are kept.
/// </summary>
public sealed class ChildProcess : IDisposable
{
    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false);

    // A grandchild that outlives the child may hold the pipe open; a loaded machine takes seconds to read a line from it.
    private static readonly TimeSpan s_drainTime = TimeSpan.FromSeconds(10);

    private readonly Process _process;
    private readonly ChildGuard? _guard;
    private readonly int _keptErrorLines;
    private readonly Queue<string> _errors = new();
    private readonly TaskCompletionSource _errorsEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _input = new();
    private int _isDisposed;

    private ChildProcess(ProcessStartInfo start, ChildGuard? guard, int keptErrorLines)
    {
        _process = new Process { StartInfo = start };
        _guard = guard;
        _keptErrorLines = keptErrorLines;
    }

    /// <summary>Its process id.</summary>
    public int Id { get; private set; }

    /// <summary>What it reads.</summary>
    public StreamWriter Input => _process.StandardInput;

    /// <summary>What it writes, where its output was asked for.</summary>
    public StreamReader Output => _process.StandardOutput;

    /// <summary>Its exit code, of which <see cref="ExitStatus"/> tells more; null while it runs.</summary>
    public int? ExitCode => _process.HasExited ? _process.ExitCode : null;

    /// <summary>The last lines that it has written to standard error so far.</summary>
    public IReadOnlyList<string> ErrorLines
    {
        get
        {
            lock (_errors)
                return [.. _errors];
        }
    }

    /// <summary>Starts a program.</summary>
    /// <param name="start">The program, its arguments, environment and folder; whether its output is redirected. Input and errors are.</param>
    /// <param name="guard">Kills it with this process; null for a program that ends with its life line.</param>
    /// <param name="ended">Is called when it has ended, from any thread.</param>
    /// <param name="keptErrorLines">How many lines of its standard error are kept.</param>
    /// <param name="diesWithThis">Whether Windows kills it when this process has gone; on Linux it asks for that itself (<see cref="ThisProcess.DieWithParent"/>).</param>
    /// <param name="errors">The encoding of its standard error; null for UTF-8.</param>
    /// <exception cref="Win32Exception">It can't be started, or not be guarded.</exception>
    public static ChildProcess Start(ProcessStartInfo start, ChildGuard? guard = null, Action? ended = null, int keptErrorLines = 20, bool diesWithThis = false, Encoding? errors = null)
    {
        start.UseShellExecute = false;
        start.CreateNoWindow = true;
        start.RedirectStandardInput = true;
        start.RedirectStandardError = true;
        start.StandardInputEncoding = s_utf8;
        start.StandardErrorEncoding = errors ?? s_utf8;
        if (start.RedirectStandardOutput)
            start.StandardOutputEncoding = s_utf8;

        var child = new ChildProcess(start, guard, keptErrorLines);
        try
        {
            child.Begin(ended, diesWithThis);
            return child;
        }
        catch
        {
            child.Dispose();
            throw;
        }
    }

    /// <summary>What the system's own programs write: UTF-8, but on Windows the code page of a new console.</summary>
    public static Encoding SystemText => OperatingSystem.IsWindows()
        ? CodePagesEncodingProvider.Instance.GetEncoding((int)Kernel32.ConsoleCodePage()) ?? s_utf8
        : s_utf8;

    /// <summary>Where a program lies on the path; null where it doesn't.</summary>
    public static string? FindProgram(string name) => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? name + ".exe" : name))
        .FirstOrDefault(File.Exists);

    /// <summary>How to start a program that the terminal's signals do not reach, Ctrl+C among them.</summary>
    /// <remarks>What a shell ignores, the program that replaces it ignores too: the only way from here to keep the signals away.</remarks>
    public static ProcessStartInfo AwayFromTerminal(string program, IEnumerable<string> arguments) => OperatingSystem.IsWindows()
        ? new ProcessStartInfo(program, arguments)
        : new ProcessStartInfo("/bin/sh", ["-c", "trap '' INT QUIT TSTP; exec \"$0\" \"$@\"", program, .. arguments]);

    /// <summary>Waits for its end.</summary>
    /// <returns>Its exit code; null where it has not ended within the limit.</returns>
    public int? WaitForExit(TimeSpan limit) => _process.WaitForExit(limit) ? _process.ExitCode : null;

    /// <summary>Waits until it has ended and what it wrote to standard error has been read.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> WaitForExitAsync(CancellationToken cancellation)
    {
        // Process.WaitForExitAsync would wait for the end of the pipe without a limit.
        var exited = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _process.EnableRaisingEvents = true;
        _process.Exited += (_, _) => exited.TrySetResult();
        if (!_process.HasExited)
            await exited.Task.WaitAsync(cancellation).ConfigureAwait(false);
        await Task.WhenAny(_errorsEnded.Task, Task.Delay(s_drainTime, cancellation)).ConfigureAwait(false);
        return _process.ExitCode;
    }

    /// <summary>Waits until its standard error has been read to the end, or it is killed.</summary>
    /// <param name="limit">How long at most.</param>
    /// <returns>The last lines.</returns>
    public IReadOnlyList<string> LastErrorLines(TimeSpan limit)
    {
        _errorsEnded.Task.Wait(limit);
        return ErrorLines;
    }

    /// <summary>Writes a line to its input, if it still reads.</summary>
    public void TryWriteLine(string line)
    {
        lock (_input)
        {
            try
            {
                Input.WriteLine(line);
                Input.Flush();
            }
            catch (Exception gone) when (gone is IOException or ObjectDisposedException)
            {
                // Its end, or the cut life line, says the same.
            }
        }
    }

    /// <summary>Cuts the life line: the child ends by itself.</summary>
    public void CutLifeLine()
    {
        lock (_input)
        {
            try
            {
                Input.Dispose();
            }
            catch (IOException)
            {
                // What was left in the buffer had no reader any more.
            }
        }
    }

    /// <summary>Kills it; does not wait, and nobody waits for its last lines any longer. Safe from any thread and at any time.</summary>
    /// <param name="wholeTree">Whether to kill what it has started as well.</param>
    public void Kill(bool wholeTree = false)
    {
        _errorsEnded.TrySetResult();
        try
        {
            _process.Kill(wholeTree);
        }
        catch (Exception gone) when (gone is InvalidOperationException or Win32Exception or AggregateException)
        {
            // It has ended, or is being disposed of on another thread.
            Trace.WriteLine(gone);
        }
    }

    /// <summary>Cuts the life line and lets go of the child; one that is under guard is killed.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;

        if (Id != 0)
        {
            if (_guard is null)
            {
                CutLifeLine();
            }
            else
            {
                Kill();
                _process.WaitForExit(TimeSpan.FromMilliseconds(500));
                _guard.Remove(Id);
            }
        }

        _process.Dispose();
    }

    private void Begin(Action? ended, bool diesWithThis)
    {
        if (ended is not null)
        {
            _process.EnableRaisingEvents = true;
            _process.Exited += (_, _) => ended();
        }

        _process.ErrorDataReceived += (_, line) => Take(line.Data);
        _process.Start();
        Id = _process.Id;
        _process.BeginErrorReadLine();
        if (diesWithThis && OperatingSystem.IsWindows())
            ChildJob.OfThisProcess.Value.Add(_process);
        _guard?.Add(_process);
    }

    private void Take(string? line)
    {
        if (line is null)
        {
            _errorsEnded.TrySetResult();
            return;
        }

        lock (_errors)
        {
            _errors.Enqueue(line);
            if (_errors.Count > _keptErrorLines)
                _errors.Dequeue();
        }
    }
}
