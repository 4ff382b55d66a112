using System.Text.RegularExpressions;
using RobustTrain.Runs;

namespace RobustTrain.Training.Native;

/// <summary>Tells apart what torch reports in exceptions of one type.</summary>
internal static partial class TorchFailure
{
    /// <summary>Whether the memory of the host or of the device was not enough.</summary>
    public static bool IsOutOfMemory(Exception exception) =>
        exception is OutOfMemoryException
        || (exception is not RunException
            && (exception.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase)
                || exception.Message.Contains("can't allocate memory", StringComparison.OrdinalIgnoreCase)
                || exception.Message.Contains("not enough memory", StringComparison.OrdinalIgnoreCase)
                || exception.Message.EndsWith("std::bad_alloc", StringComparison.Ordinal)));

    /// <summary>The operation of which autograd, told to look for it, says that its backward pass made a NaN; null for any other failure.</summary>
    public static string? FindNaNOperation(Exception exception) =>
        ReturnedNaN().Match(exception.Message) is { Success: true } found ? found.Groups["operation"].Value : null;

    /// <summary>Says where memory was short.</summary>
    /// <param name="where">The end of a sentence: what was being done, and what helps.</param>
    /// <param name="cause">What torch reported.</param>
    public static RunException OutOfMemory(string where, Exception cause) =>
        new(ExitCode.OutOfMemory, "OutOfMemory", $"The memory was not enough for {where}.", innerException: cause);

    // torch/csrc/autograd/engine.cpp, validate_outputs under anomaly mode.
    [GeneratedRegex("Function '(?<operation>[^']+)' returned nan values")]
    private static partial Regex ReturnedNaN();
}
