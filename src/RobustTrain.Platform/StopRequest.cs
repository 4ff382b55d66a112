using System.Globalization;
using System.Runtime.InteropServices;

namespace RobustTrain.Platform;

/// <summary>
/// Asks a process of this user to stop, from any other process: SIGTERM, and on Windows, which has no signals, an event named after the
/// process, for which it listens.
/// </summary>
public static class StopRequest
{
    /// <summary>Asks a process.</summary>
    /// <returns>Null where it was asked, or is gone; else why it could not be, as the end of a sentence.</returns>
    public static string? Send(int process)
    {
        if (!OperatingSystem.IsWindows())
        {
            int error = PosixSignals.Send(process, PosixSignals.Terminate);
            return error is 0 or PosixError.NoSuchProcess ? null : Marshal.GetPInvokeErrorMessage(error);
        }

        try
        {
            if (!EventWaitHandle.TryOpenExisting(NameOf(process), out EventWaitHandle? asked))
                return "it does not listen for requests";
            using (asked)
                asked.Set();
            return null;
        }
        catch (UnauthorizedAccessException)
        {
            return "it belongs to another user";
        }
    }

    /// <summary>Listens for requests to this process, on Windows; elsewhere they are signals, and nothing is done.</summary>
    /// <param name="take">Is called for each, on a thread of the pool.</param>
    /// <returns>What ends the listening.</returns>
    public static IDisposable? Listen(Action take)
    {
        if (!OperatingSystem.IsWindows())
            return null;
        EventWaitHandle asked = new(initialState: false, EventResetMode.AutoReset, NameOf(Environment.ProcessId));
        return new Listener(asked, ThreadPool.RegisterWaitForSingleObject(asked, (_, _) => take(), null, Timeout.Infinite, executeOnlyOnce: false));
    }

    // Seen from every session: a scheduled task runs in one of its own.
    private static string NameOf(int process) => string.Create(CultureInfo.InvariantCulture, $@"Global\RobustTrain.Stop.{process}");

    private sealed class Listener(EventWaitHandle asked, RegisteredWaitHandle wait) : IDisposable
    {
        public void Dispose()
        {
            wait.Unregister(null);
            asked.Dispose();
        }
    }
}
