namespace RobustTrain.Host.Stopping;

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
