using System.ComponentModel;
using RobustTrain.Monitoring.Sources.Local;
using RobustTrain.Monitoring.Status;
using RobustTrain.Platform;

namespace RobustTrain.Monitoring.Sources.NvidiaSmi;

/// <summary>The GPUs of this host by the program <c>nvidia-smi</c>, where NVML itself cannot be loaded.</summary>
/// <param name="computerName">The host's name.</param>
/// <param name="options">How to sample.</param>
/// <param name="guard">Ends the program with this process.</param>
public sealed class NvidiaSmiSource(string computerName, MonitorOptions options, ChildGuard guard) : ISampleSource<GpuSnapshot>
{
    // After its end the last lines may still be on their way: where every thread of the pool is busy, for seconds.
    private static readonly TimeSpan LastLines = TimeSpan.FromSeconds(10);

    private readonly KnownGpus _known = new();
    private readonly IProcessTable _processes = LocalProcesses.Table(options.TimeProvider);
    private readonly InterruptibleChild _program = new(guard);
    private bool _knowsSlow;

    /// <inheritdoc/>
    public string Name => "nvidia-smi";

    /// <summary>Where the program lies: on the path, or where older drivers put it on Windows; null where it is in neither.</summary>
    public static string? Find() => ChildProcess.FindProgram("nvidia-smi")
        ?? (OperatingSystem.IsWindows() && DriverFolders.Old("nvidia-smi.exe") is var file && File.Exists(file) ? file : null);

    /// <inheritdoc/>
    public GpuSnapshot Sample(SampleDetail detail)
    {
        try
        {
            return Read(detail);
        }
        finally
        {
            _program.ForgetInterrupt();
        }
    }

    /// <inheritdoc/>
    public void Interrupt() => _program.Interrupt();

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private GpuSnapshot Read(SampleDetail detail)
    {
        IReadOnlyList<GpuStatus> told = [];
        bool isWhole = false;
        if (detail == SampleDetail.Full || !_knowsSlow)
        {
            (told, isWhole) = SmiXml.Parse(Run("-q", "-x"), options.TimeProvider.GetUtcNow(), options.IncludeProcesses ? _processes.Find : null);
            _known.Remember(told);
            _knowsSlow = true;
        }

        if (!isWhole)
            told = [.. SmiCsv.Parse(Run(SmiCsv.Query.Split(' ')), options.TimeProvider.GetUtcNow()).Select(_known.Complete)];
        DateTimeOffset now = options.TimeProvider.GetUtcNow();
        return new GpuSnapshot(computerName, now, CudaVisibleDevices.OfThisProcess().Name(_known.Settle(told, computerName, now)));
    }

    private SmiOutput Run(params string[] arguments)
    {
        string program = Find() ?? throw new MonitorException("NvidiaSmiNotFound", "nvidia-smi was not found on the path.");
        ChildProcess process;
        try
        {
            process = _program.Start(program, arguments);
        }
        catch (Win32Exception failure)
        {
            throw new MonitorException("NvidiaSmiFailed", $"{program} could not be started: {failure.Message}", program, failure);
        }

        try
        {
            string text = process.Output.ReadToEnd();
            int? exitCode = process.WaitForExit(options.Timeout);
            return new SmiOutput(computerName, text, exitCode, exitCode is null or 0 ? "" : string.Join(' ', process.LastErrorLines(LastLines)));
        }
        finally
        {
            _program.Drop();
        }
    }
}
