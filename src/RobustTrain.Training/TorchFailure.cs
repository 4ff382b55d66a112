using RobustTrain.Runs;

namespace RobustTrain.Training;

/// <summary>Tells apart what torch reports in exceptions of one type.</summary>
internal static class TorchFailure
{
    /// <summary>Whether the memory of the host or of the device was not enough.</summary>
    public static bool IsOutOfMemory(Exception exception) =>
        exception is OutOfMemoryException
        || (exception is not RunException
            && (exception.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase)
                || exception.Message.Contains("can't allocate memory", StringComparison.OrdinalIgnoreCase)
                || exception.Message.Contains("not enough memory", StringComparison.OrdinalIgnoreCase)
                || exception.Message.EndsWith("std::bad_alloc", StringComparison.Ordinal)));

    /// <summary>Says where memory was short.</summary>
    /// <param name="where">The end of a sentence: what was being done, and what helps.</param>
    /// <param name="cause">What torch reported.</param>
    public static RunException OutOfMemory(string where, Exception cause) =>
        new(ExitCode.OutOfMemory, "OutOfMemory", $"The memory was not enough for {where}.", innerException: cause);
}
