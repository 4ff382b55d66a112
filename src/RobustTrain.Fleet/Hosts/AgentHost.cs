using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using RobustTrain.Fleet.State;
using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Monitors;
using RobustTrain.Monitoring.Sources.Ssh;
using RobustTrain.Monitoring.Status;
using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Fleet.Hosts;

/// <summary>How a fleet's hosts are reached.</summary>
/// <param name="Path">The fleet's folder.</param>
/// <param name="Fleet">The fleet's id.</param>
/// <param name="Executable">This program, which hosts that share the disk have at the same place.</param>
/// <param name="GpuSource">Where GPUs are read from.</param>
/// <param name="Ssh">How the OpenSSH client is called.</param>
/// <param name="ClockTolerance">By how much a host's clock may differ.</param>
/// <param name="Timeout">How long an answer may take.</param>
public sealed record HostAccess(string Path, string Fleet, string Executable, string GpuSource, SshOptions Ssh, TimeSpan ClockTolerance, TimeSpan Timeout);

/// <summary>
/// A host by its agent: over the operator's OpenSSH client, or on this machine as a child. The connection stays from look to look. All that
/// is asked goes through its pipe as JSON, so that no path or name is ever quoted for a shell but the program's own.
/// </summary>
/// <param name="name">The host, as the operator's ssh configuration knows it.</param>
/// <param name="access">How hosts are reached.</param>
/// <param name="guard">Ends what was started when this process has gone.</param>
public sealed class AgentHost(string name, HostAccess access, ChildGuard guard) : IFleetHost
{
    // A loaded machine takes seconds to end a process whose output has ended.
    private static readonly TimeSpan s_lastWords = TimeSpan.FromSeconds(5);

    private readonly InterruptibleChild _connection = new(guard);

    /// <inheritdoc/>
    public async Task<HostObservation> ObserveAsync(IReadOnlyList<FleetStart> starts, CancellationToken stopping)
    {
        try
        {
            AgentReply reply = await AskAsync(
                new AgentRequest { Observe = new ObserveRequest(access.Path, access.Fleet, access.GpuSource, [.. starts.Select(start => new StartQuestion(start.Id, start.Handle?.Process))]) },
                stopping).ConfigureAwait(false);
            return reply.Reading is { } reading ? Of(reading) : new HostObservation { Problem = reply.Error ?? "its agent gave no answer" };
        }
        catch (FleetHostException failure)
        {
            return new HostObservation { Problem = failure.Message.TrimEnd('.'), SilentFor = TimeSpan.FromTicks(1) };
        }
    }

    /// <inheritdoc/>
    public async Task<StartHandle> StartAsync(StartOrder order, CancellationToken stopping)
    {
        AgentReply reply = await AskAsync(new AgentRequest { Start = order }, stopping).ConfigureAwait(false);
        return reply.Process is { } process ? new StartHandle(process, null) : throw new FleetHostException(reply.Error ?? "its agent gave no answer", isUnsettled: false);
    }

    /// <inheritdoc/>
    public async Task EndAsync(StartHandle handle, bool kill, CancellationToken stopping)
    {
        AgentReply reply = await AskAsync(new AgentRequest { End = new EndRequest(handle.Process!, kill) }, stopping).ConfigureAwait(false);
        if (reply.Error is { } error)
            throw new FleetHostException(error, isUnsettled: false);
    }

    /// <inheritdoc/>
    public void Dispose() => _connection.Drop();

    private HostObservation Of(HostReading reading)
    {
        TimeSpan difference = reading.Now - DateTimeOffset.UtcNow;
        return new HostObservation
        {
            Problem = !reading.SeesFleet ? $"it does not see the fleet's folder '{access.Path}': hosts need a shared disk"
                : difference.Duration() > access.ClockTolerance ? FormattableString.Invariant($"its clock is {difference.Duration().TotalSeconds:0} s {(difference > TimeSpan.Zero ? "ahead of" : "behind")} this machine's")
                : null,
            Cores = reading.Cores,
            CpuPercent = reading.CpuPercent,
            Load = reading.Load,
            MemoryFreeBytes = reading.MemoryFreeBytes,
            DiskFreeBytes = reading.DiskFreeBytes,
            Starts = reading.Starts ?? new Dictionary<string, StartSighting>(),
            Gpus = [.. (reading.Gpus ?? []).Select(gpu => new GpuStatus
            {
                ComputerName = name,
                Time = reading.Now,
                Index = gpu.Index,
                Uuid = gpu.Uuid,
                Name = gpu.Name,
                Device = gpu.Device,
                IsConnected = gpu.IsConnected,
                UtilizationPercent = gpu.UtilizationPercent,
                MemoryTotalBytes = gpu.MemoryTotalBytes,
                MemoryFreeBytes = gpu.MemoryFreeBytes,
            })],
        };
    }

    private async Task<AgentReply> AskAsync(AgentRequest request, CancellationToken stopping)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        limit.CancelAfter(access.Timeout);
        _connection.ForgetInterrupt();
        using CancellationTokenRegistration cut = limit.Token.Register(_connection.Interrupt);
        bool isAsked = false;
        try
        {
            if (_connection.Current is null)
                await ConnectAsync().ConfigureAwait(false);
            ChildProcess connection = _connection.Current!;
            isAsked = true;
            await connection.Input.WriteLineAsync(JsonSerializer.Serialize(request, AgentJson.Readable.AgentRequest)).ConfigureAwait(false);
            await connection.Input.FlushAsync(CancellationToken.None).ConfigureAwait(false);
            string? line = await connection.Output.ReadLineAsync(CancellationToken.None).ConfigureAwait(false);
            return JsonSerializer.Deserialize(line ?? throw Lost(isAsked), AgentJson.Default.AgentReply)!;
        }
        catch (Exception failure) when (failure is IOException or ObjectDisposedException)
        {
            throw Lost(isAsked);
        }
        catch (JsonException)
        {
            _connection.Drop();
            throw new FleetHostException("its agent gave an answer that this version does not know", isAsked);
        }
        catch (FleetHostException)
        {
            _connection.Drop();
            stopping.ThrowIfCancellationRequested();
            throw;
        }
    }

    private async Task ConnectAsync()
    {
        ChildProcess connection = Start();
        if (!LocalHost.Is(name))
        {
            // The shell reads no further before it is replaced, since what follows is sent only when the agent has answered.
            await connection.Input.WriteLineAsync(RemoteCommand()).ConfigureAwait(false);
            await connection.Input.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        }

        string? line;
        do
            line = await connection.Output.ReadLineAsync(CancellationToken.None).ConfigureAwait(false) ?? throw Lost(isAsked: false);
        while (!line.StartsWith(AgentHello.Mark, StringComparison.Ordinal));
        string theirs = JsonSerializer.Deserialize(line[AgentHello.Mark.Length..], AgentJson.Default.AgentHello)!.Version;
        string ours = RunVersions.Current().RobustTrain;
        if (theirs != ours)
            throw new FleetHostException($"it has robusttrain {theirs}, this fleet is {ours}: install the same", isUnsettled: false);
    }

    private ChildProcess Start()
    {
        bool isLocal = LocalHost.Is(name);
        string program = isLocal ? access.Executable : access.Ssh.Program;
        if (!isLocal && ChildProcess.FindProgram(program) is null && !File.Exists(program))
            throw new FleetHostException("the OpenSSH client 'ssh' is not on this machine's path", isUnsettled: false);
        try
        {
            return _connection.Start(program, isLocal ? ["fleet", "agent"] : access.Ssh.Arguments(name, access.Timeout));
        }
        catch (Win32Exception failure)
        {
            throw new FleetHostException($"'{program}' could not be started: {failure.Message}", isUnsettled: false);
        }
        catch (MonitorException failure)
        {
            throw new FleetHostException(failure.Message, isUnsettled: false);
        }
    }

    // For sh(1): the program that this fleet is, where the host has it at the same place, else the one on the path.
    private string RemoteCommand()
    {
        string program = $"'{access.Executable.Replace("'", "'\\''", StringComparison.Ordinal)}'";
        return $"if [ -x {program} ]; then exec {program} fleet agent; else exec robusttrain fleet agent; fi";
    }

    private FleetHostException Lost(bool isAsked)
    {
        ChildProcess? connection = _connection.Current;
        int? code = connection?.WaitForExit(s_lastWords);
        IReadOnlyList<string> errors = connection is null || _connection.IsInterrupted ? [] : connection.LastErrorLines(s_lastWords);
        bool isInterrupted = _connection.IsInterrupted;
        _connection.Drop();
        const int notFound = 127;
        const int sshFailed = 255;
        string message = isInterrupted ? FormattableString.Invariant($"it did not answer within {access.Timeout.TotalSeconds:0} s")
            : code == notFound ? "it has no robusttrain: neither at this program's place nor on its path"
            : LocalHost.Is(name) || (code is not null and not sshFailed) ? $"its agent ended{(code is { } known ? FormattableString.Invariant($" with exit code {known}") : "")}{(errors.Count > 0 ? $": {errors[^1]}" : "")}"
            : SshFailure.From(name, errors, code, SshHostNames.Read(access.Ssh.ConfigPath ?? SshOptions.OperatorConfigPath)).Message;
        return new FleetHostException(message, isAsked);
    }
}
