using System.ComponentModel;
using RobustTrain.Monitoring.Processes;

namespace RobustTrain.Monitoring.Gpu.NvidiaSmi;

/// <summary>The GPUs of this host by the program <c>nvidia-smi</c>, where NVML itself cannot be loaded.</summary>
/// <param name="computerName">The host's name.</param>
/// <param name="options">How to sample.</param>
/// <param name="guard">Ends the program with this process.</param>
public sealed class NvidiaSmiSource(string computerName, MonitorOptions options, ChildGuard guard) : ISampleSource<GpuSnapshot>
{
    private readonly SlowValues slow = new();
    private readonly ProcessTable processes = new("/", options.TimeProvider);
    private readonly Lock gate = new();
    private GuardedProcess? running;
    private bool knowsSlow;

    /// <inheritdoc/>
    public string Name => "nvidia-smi";

    /// <summary>Where the program lies; null where it is not on the path.</summary>
    public static string? Find() => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? "nvidia-smi.exe" : "nvidia-smi"))
        .FirstOrDefault(File.Exists);

    /// <inheritdoc/>
    public GpuSnapshot Sample(SampleDetail detail)
    {
        List<GpuStatus> gpus;
        if (detail == SampleDetail.Full || !knowsSlow)
        {
            string text = Run("-q", "-x");
            gpus = SmiXml.Parse(text, computerName, options.TimeProvider.GetUtcNow(), options.IncludeProcesses ? processes.Find : null);
            slow.Remember(gpus);
            knowsSlow = true;
        }
        else
        {
            string text = Run(SmiCsv.Query.Split(' '));
            gpus = [.. SmiCsv.Parse(text, computerName, options.TimeProvider.GetUtcNow()).Select(slow.Complete)];
        }

        return new GpuSnapshot(computerName, options.TimeProvider.GetUtcNow(), [.. gpus.Select(gpu => gpu with { Device = $"cuda:{gpu.Index}" })]);
    }

    /// <inheritdoc/>
    public void Interrupt()
    {
        lock (gate)
            running?.Kill();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private string Run(params string[] arguments)
    {
        string program = Find() ?? throw new MonitorException("NvidiaSmiNotFound", "nvidia-smi was not found on the path.");
        GuardedProcess process;
        try
        {
            process = GuardedProcess.Start(guard, program, arguments);
        }
        catch (Win32Exception failure)
        {
            throw new MonitorException("NvidiaSmiFailed", $"{program} could not be started: {failure.Message}", program, failure);
        }

        lock (gate)
            running = process;

        try
        {
            string text = process.Output.ReadToEnd();
            int? exitCode = process.WaitForExit(options.Timeout);
            if (exitCode is not 0 && text.Trim().Length == 0)
            {
                string reason = string.Join(' ', process.Errors());
                throw new MonitorException("NvidiaSmiFailed", $"nvidia-smi ended with exit code {exitCode}{(reason.Length > 0 ? $": {reason}" : " and wrote nothing")}.", program);
            }

            return text;
        }
        finally
        {
            lock (gate)
                running = null;

            process.Dispose();
        }
    }
}
