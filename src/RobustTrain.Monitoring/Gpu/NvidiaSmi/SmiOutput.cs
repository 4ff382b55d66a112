using System.Globalization;

namespace RobustTrain.Monitoring.Gpu.NvidiaSmi;

/// <summary>What one call of <c>nvidia-smi</c> wrote, and how it ended.</summary>
/// <param name="ComputerName">The host.</param>
/// <param name="Text">What it wrote to standard output; of another host, to standard error too.</param>
/// <param name="ExitCode">Its exit code, 128 + N where signal N ended it; null where it did not end in time.</param>
/// <param name="Errors">What it wrote to standard error, where that is told apart.</param>
internal sealed record SmiOutput(string ComputerName, string Text, int? ExitCode, string Errors = "")
{
    private const int SignalBase = 128;

    /// <summary>How it ended, as an addition to a sentence; empty where it ended well.</summary>
    public string End => ExitCode switch
    {
        0 => "",
        null => "",
        > SignalBase => string.Create(CultureInfo.InvariantCulture, $" (exit code {ExitCode}: signal {ExitCode - SignalBase} ended it)"),
        _ => string.Create(CultureInfo.InvariantCulture, $" (exit code {ExitCode})"),
    };

    /// <summary>Checks that it came to its end: what a crash leaves may look whole and lack a GPU.</summary>
    /// <exception cref="MonitorException">It crashed, did not end, or failed and wrote nothing.</exception>
    public void RequireEnd()
    {
        if (ExitCode is null)
            throw new MonitorException("NvidiaSmiTimedOut", $"nvidia-smi of {ComputerName} did not answer in time.", ComputerName);

        string said = Errors.Length > 0 ? $": {Errors}" : "";
        if (ExitCode > SignalBase)
            throw new MonitorException("NvidiaSmiFailed", $"nvidia-smi of {ComputerName} crashed{End}{said}.", ComputerName);

        if (string.IsNullOrWhiteSpace(Text))
            throw new MonitorException("NvidiaSmiFailed", $"nvidia-smi of {ComputerName} wrote nothing{End}{said}.", ComputerName);
    }
}
