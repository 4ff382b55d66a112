using RobustTrain.Host.Errors;
using RobustTrain.Host.Events;
using RobustTrain.Runs.Events;

namespace RobustTrain.Host.Commands;

/// <summary>Turns what a command throws into sentences on standard error, an event, and an exit code.</summary>
internal static class CommandGuard
{
    /// <summary>Runs a command.</summary>
    /// <param name="command">The work; gives the exit code.</param>
    /// <param name="events">Is told of a failure; null where nobody reads events.</param>
    public static int Run(Func<int> command, EventStream? events = null)
    {
        try
        {
            return command();
        }
        catch (Exception exception)
        {
            return Report(Failure.Of(exception), events);
        }
        finally
        {
            events?.Dispose();
        }
    }

    /// <summary>Reports a failure.</summary>
    /// <returns>Its exit code.</returns>
    public static int Report(Failure failure, EventStream? events)
    {
        events?.Write(new RunFinished("failed", (int)failure.ExitCode, failure.Message, failure.ErrorId) { Target = failure.Target });
        failure.WriteTo(Console.Error);
        return (int)failure.ExitCode;
    }
}
