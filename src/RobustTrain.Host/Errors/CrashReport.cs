using System.Globalization;

namespace RobustTrain.Host.Errors;

/// <summary>Keeps the stack trace of an error that nobody foresaw in the run's folder.</summary>
internal static class CrashReport
{
    /// <summary>Writes the trace.</summary>
    /// <returns>The failure with a sentence that says where its trace is.</returns>
    public static Failure Keep(Failure failure, string runPath, TimeProvider time)
    {
        if (!failure.IsUnexpected)
            return failure;
        string path = Path.Combine(runPath, $"crash-{time.GetUtcNow().ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture)}.txt");
        try
        {
            File.WriteAllText(path, $"{failure.Cause}\n");
            return failure with { Message = $"{failure.Message} The trace is in '{path}'." };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return failure with { Message = $"{failure.Message} Its trace could not be kept: {exception.Message}" };
        }
    }
}
