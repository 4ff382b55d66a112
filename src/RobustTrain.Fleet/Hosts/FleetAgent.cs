using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using RobustTrain.Fleet.State;
using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Monitors;
using RobustTrain.Monitoring.Status;
using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Fleet.Hosts;

/// <summary>
/// A fleet's hands and eyes on one host, <c>robusttrain fleet agent</c>: it reads requests from standard input until that ends, and what it has
/// started outlives it. It knows nothing that it could forget.
/// </summary>
public sealed class FleetAgent : IDisposable
{
    // Shares of CPU time are taken over this.
    private static readonly TimeSpan s_window = TimeSpan.FromMilliseconds(500);

    // An agent that has claimed a start and was cut off starts it within this, or never.
    private static readonly TimeSpan s_claimLives = TimeSpan.FromSeconds(30);

    private readonly StatusReader _reader = new();
    private readonly MonitorOptions _options = new() { IncludeThroughput = false, Timeout = TimeSpan.FromSeconds(10) };

    /// <summary>Answers until the input ends.</summary>
    public async Task RunAsync(Stream input, Stream output)
    {
        using StreamReader requests = new(input, new UTF8Encoding(false));
        await WriteAsync(output, AgentHello.Mark + JsonSerializer.Serialize(new AgentHello(RunVersions.Current().RobustTrain, Environment.MachineName), AgentJson.Readable.AgentHello)).ConfigureAwait(false);
        while (await requests.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            AgentReply reply;
            try
            {
                reply = await AnswerAsync(JsonSerializer.Deserialize(line, AgentJson.Default.AgentRequest)!).ConfigureAwait(false);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or Win32Exception or JsonException or MonitorException or FormatException)
            {
                reply = new AgentReply { Error = failure.Message.ReplaceLineEndings(" ") };
            }

            await WriteAsync(output, JsonSerializer.Serialize(reply, AgentJson.Readable.AgentReply)).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _reader.Dispose();

    private static async Task WriteAsync(Stream output, string line)
    {
        await output.WriteAsync(Encoding.UTF8.GetBytes(line + "\n")).ConfigureAwait(false);
        await output.FlushAsync().ConfigureAwait(false);
    }

    private async Task<AgentReply> AnswerAsync(AgentRequest request) => request switch
    {
        { Observe: { } question } => new AgentReply { Reading = await ReadAsync(question).ConfigureAwait(false) },
        { Start: { } order } => Start(order),
        { End: { } end } => End(end),
        _ => new AgentReply { Error = "The request asks for nothing." },
    };

    private async Task<HostReading> ReadAsync(ObserveRequest question)
    {
        bool seesFleet = SeesFleet(question);
        CpuStatus cpu = await StatusReader.ReadCpuAsync(_options, s_window, CancellationToken.None).ConfigureAwait(false);
        IReadOnlyList<AgentGpu> gpus = await ReadGpusAsync(question.GpuSource).ConfigureAwait(false);
        return new HostReading
        {
            SeesFleet = seesFleet,
            DiskFreeBytes = seesFleet ? new DriveInfo(question.Path).AvailableFreeSpace : null,
            Cores = cpu.LogicalCores,
            CpuPercent = cpu.UtilizationPercent,
            Load = cpu.LoadAverage1,
            MemoryFreeBytes = cpu.MemoryAvailableBytes,
            Gpus = gpus,
            Starts = seesFleet ? question.Starts.ToDictionary(start => start.Start, start => Look(question.Path, start)) : [],
            Now = DateTimeOffset.UtcNow,
        };
    }

    private static bool SeesFleet(ObserveRequest question)
    {
        try
        {
            return FleetFolder.IsFleet(question.Path) && FleetFolder.Read(question.Path).Id == question.Fleet;
        }
        catch (RunException)
        {
            return false;
        }
    }

    // A host without a GPU, or without a driver, is one for trainings on the CPU.
    private async Task<IReadOnlyList<AgentGpu>> ReadGpusAsync(string source)
    {
        try
        {
            IReadOnlyList<GpuStatus> gpus = await _reader.ReadGpusAsync(GpuSourceSpec.Parse(source), _options, CancellationToken.None).ConfigureAwait(false);
            return [.. gpus.Select(gpu => new AgentGpu(gpu.Index, gpu.Uuid, gpu.Name, gpu.Device, gpu.IsConnected, gpu.UtilizationPercent, gpu.MemoryTotalBytes, gpu.MemoryFreeBytes))];
        }
        catch (MonitorException)
        {
            return [];
        }
    }

    private static StartSighting Look(string path, StartQuestion question)
    {
        if (question.Process is { } known)
            return new StartSighting(known.IsAlive() switch { true => SightingState.Alive, false => SightingState.Gone, null => SightingState.Unsettled }, new StartHandle(known, null));
        ProcessIdentity? found = ProcessFiles.WithArguments("--start-id", question.Start).Select(ProcessIdentity.Of).FirstOrDefault(process => process is not null);
        if (found is not null)
            return new StartSighting(SightingState.Alive, new StartHandle(found, null));

        // Whoever creates a start's output has claimed it: here that nobody may start it any more, however late an earlier request comes.
        string log = FleetFolder.StartLogOf(path, question.Start);
        try
        {
            using FileStream claim = new(log, FileMode.CreateNew, FileAccess.Write);
            return new StartSighting(SightingState.Never, null);
        }
        catch (IOException) when (File.Exists(log))
        {
            FileInfo output = new(log);
            bool isSettled = output.Length > 0 || Age(output) > s_claimLives;
            return new StartSighting(isSettled ? SightingState.Gone : SightingState.Unsettled, null);
        }
    }

    // By the clock that dates files there: a file server's may differ from this machine's.
    private static TimeSpan Age(FileInfo file)
    {
        string now = file.FullName + ".now";
        File.WriteAllText(now, "");
        TimeSpan age = File.GetLastWriteTimeUtc(now) - file.LastWriteTimeUtc;
        File.Delete(now);
        return age;
    }

    private static AgentReply Start(StartOrder order)
    {
        if (!Directory.Exists(order.WorkingFolder))
            return new AgentReply { Error = $"The folder '{order.WorkingFolder}' does not exist on {Environment.MachineName}." };
        string log = FleetFolder.StartLogOf(order.Path, order.Start);
        try
        {
            File.Open(log, FileMode.CreateNew, FileAccess.Write).Dispose();
        }
        catch (IOException) when (File.Exists(log))
        {
            return new AgentReply { Error = "The start was given up before." };
        }

        using Process trainer = SessionLeader.StartDetached(Environment.ProcessPath!, [.. order.Arguments, "--start-id", order.Start], log, start =>
        {
            start.WorkingDirectory = order.WorkingFolder;
            start.Environment.TryAdd("CUDA_DEVICE_ORDER", "PCI_BUS_ID");
            if (order.Gpu is { } gpu)
                start.Environment["CUDA_VISIBLE_DEVICES"] = gpu;
        });

        // One that has ended already is told from its output.
        return new AgentReply { Process = ProcessIdentity.Of(trainer.Id) ?? new ProcessIdentity(Environment.MachineName, trainer.Id, "ended") };
    }

    private static AgentReply End(EndRequest request)
    {
        if (request.Process.IsAlive() != true)
            return new AgentReply();
        if (!request.Kill)
            return new AgentReply { Error = StopRequest.Send(request.Process.ProcessId) is { } refusal ? string.Create(CultureInfo.InvariantCulture, $"Process {request.Process.ProcessId} can't be asked to stop: {refusal}.") : null };
        try
        {
            using Process process = Process.GetProcessById(request.Process.ProcessId);
            process.Kill(entireProcessTree: OperatingSystem.IsWindows());
        }
        catch (ArgumentException)
        {
            // It has ended meanwhile.
        }

        return new AgentReply();
    }
}
