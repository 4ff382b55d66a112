using System.Globalization;
using RobustTrain.Platform;

namespace RobustTrain.Data.Loading.Workers;

/// <summary>The main function of <c>robusttrain thread-stack PROCESS THREAD</c>, started by a loader about a worker of its own.</summary>
public static class ThreadStackProcess
{
    /// <summary>Writes the methods that a thread is in to standard output, one a line and innermost first; or why not to standard error.</summary>
    /// <param name="process">The id of the process.</param>
    /// <param name="thread">The system's id of its thread.</param>
    /// <returns>The exit code: 0 where the stack is there, else 1.</returns>
    public static int Run(string process, string thread)
    {
        ThisProcess.DieWithParent();
        try
        {
            foreach (string frame in ManagedStack.Read(int.Parse(process, CultureInfo.InvariantCulture), int.Parse(thread, CultureInfo.InvariantCulture)))
                Console.Out.WriteLine(frame);
            return 0;
        }
        catch (Exception exception)
        {
            // Whatever it is, it is the answer to the one question that this process was started for.
            Console.Error.WriteLine(exception.Message.ReplaceLineEndings(" "));
            return 1;
        }
    }
}
