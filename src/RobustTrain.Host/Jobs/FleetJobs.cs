using RobustTrain.Configuration;
using RobustTrain.Fleet;
using RobustTrain.Fleet.Hosts;
using RobustTrain.Fleet.State;
using RobustTrain.Host.Output;
using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Monitors;
using RobustTrain.Monitoring.Sources.Ssh;
using RobustTrain.Platform;
using RobustTrain.Platform.Notifications;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Host.Jobs;

/// <summary>What the command line says of a fleet.</summary>
/// <param name="Path">The folder in which its runs stand.</param>
/// <param name="Configs">Configuration files.</param>
/// <param name="Settings">Settings for all of them.</param>
/// <param name="Sweeps">Keys with several values.</param>
/// <param name="Hosts">Hosts.</param>
internal sealed record FleetRequest(string Path, IReadOnlyList<string> Configs, IReadOnlyList<string> Settings, IReadOnlyList<string> Sweeps, IReadOnlyList<string> Hosts)
{
    /// <summary>Checks what is asked for, before anything is changed.</summary>
    /// <param name="state">The fleet as it stands; empty where there is none yet.</param>
    /// <returns>The configurations that are to be the fleet's, and the hosts, each by one name.</returns>
    /// <exception cref="RunException">Something of it can't be.</exception>
    /// <exception cref="ConfigurationException">A configuration has mistakes.</exception>
    public (IReadOnlyList<MemberSpec> Members, IReadOnlyList<string> Hosts) Check(FleetState state)
    {
        if (Configs.Count == 0 && (Sweeps.Count > 0 || Settings.Count > 0))
            throw new RunException(ExitCode.Configuration, "FleetWithoutConfiguration", $"{(Sweeps.Count > 0 ? "--sweep" : "--set")} needs a configuration whose keys it sets.");
        IReadOnlyList<MemberSpec> members = Sweep.Members(Configs, Settings, Sweeps);

        // From here on relative paths in configurations mean what they mean to the fleet.
        if (state.WorkingFolder.Length > 0)
            Environment.CurrentDirectory = state.WorkingFolder;
        foreach (MemberSpec member in members)
        {
            if (state.Find(member.Name) is { } other && (other.Config != member.Config || !other.Settings.SequenceEqual(member.Settings)))
                throw new RunException(ExitCode.Configuration, "FleetNameTaken", $"The fleet at '{Path}' has a run '{member.Name}' of {(other.Config == member.Config ? "the same file with other settings" : $"'{other.Config}'")}; rename the file, or remove that run.", member.Name);
            FleetConfigurations.Reader.Read(member.Config, member.Settings, FleetFolder.RunPathOf(Path, member.Name));
        }

        return (members, [.. Hosts.Select(NameOf).Distinct(StringComparer.OrdinalIgnoreCase)]);
    }

    // This machine has one name in a fleet, so that its GPUs are not taken for two machines'.
    private static string NameOf(string host)
    {
        try
        {
            new SshOptions().Arguments(host, TimeSpan.FromSeconds(1));
            return LocalHost.Is(host) ? "localhost" : host;
        }
        catch (MonitorException wrong)
        {
            throw new RunException(ExitCode.Configuration, wrong.ErrorId, wrong.Message, host, wrong);
        }
    }
}

/// <summary>Reads the trainer's configurations for a fleet.</summary>
internal sealed class FleetConfigurations : IMemberReader
{
    /// <summary>The only one; it keeps nothing.</summary>
    public static FleetConfigurations Reader { get; } = new();

    /// <inheritdoc/>
    public MemberPlan Read(string config, IReadOnlyList<string> settings, string runPath)
    {
        TrainingConfig read = ConfigurationReader.Read<TrainingConfig>(config, settings);
        if (read.Device.StartsWith("cuda:", StringComparison.Ordinal))
            throw new RunException(ExitCode.Configuration, "FleetDeviceFixed", $"'{config}' has device {read.Device}, but in a fleet the fleet chooses the GPU; write cuda, or auto.", config);
        return new MemberPlan(read.Device != "cpu", read.Trainer.Epochs, Outdated(read, runPath));
    }

    private static string? Outdated(TrainingConfig config, string runPath)
    {
        if (!RunFolder.IsRun(runPath))
            return null;
        try
        {
            RunFolder.CheckConfiguration(runPath, config);
            return null;
        }
        catch (RunException differs) when (differs.ErrorId == "RunConfigurationDiffers")
        {
            return differs.Message.TrimEnd('.');
        }
    }
}

/// <summary><c>robusttrain fleet run</c> and what it needs: one fleet from the command line to the exit code.</summary>
/// <param name="options">When a host is free enough, and what becomes of runs that fail.</param>
/// <param name="gpuSource">Where hosts read their GPUs from.</param>
/// <param name="sshConfig">An ssh configuration in place of the operator's own.</param>
/// <param name="slurm">Options of sbatch; null where there is no scheduler.</param>
/// <param name="stream">Events to the process that started this one; null where nobody reads them.</param>
internal sealed class FleetJob(FleetOptions options, string gpuSource, string? sshConfig, IReadOnlyList<string>? slurm, EventStream? stream)
{
    /// <summary>Runs a fleet until nothing is left to do.</summary>
    /// <param name="request">What the command line says.</param>
    /// <param name="onEvent">Who is told what happens.</param>
    /// <param name="hasLifeLine">Whether standard input is the parent's life line.</param>
    /// <param name="isDryRun">Whether everything is only checked.</param>
    public int Run(FleetRequest request, IReadOnlyList<NotificationTarget> onEvent, bool hasLifeLine, bool isDryRun)
    {
        options.Validate();
        CheckAccess(request);
        FleetState known = FleetFolder.IsFleet(request.Path) ? FleetFolder.Read(request.Path) : FleetState.Empty;
        (IReadOnlyList<MemberSpec> members, IReadOnlyList<string> hosts) = request.Check(known);
        if (members.Count == 0 && known.Members.Count == 0)
            throw new RunException(ExitCode.Configuration, "FleetWithoutConfiguration", $"There is no fleet at '{request.Path}' to go on with, and no configuration to begin one with.", request.Path);
        if (isDryRun)
        {
            foreach (MemberSpec member in members)
                Tell(request.Path, new MemberStatus(member.Name, MemberState.Queued, "would be trained") { Config = member.Config });
            return (int)ExitCode.Finished;
        }

        return Run(request.Path, onEvent, hasLifeLine, folder =>
        {
            foreach (MemberSpec member in members.Where(member => folder.State.Find(member.Name) is null))
                folder.Append(new MemberAdded(member.Name, member.Config, member.Settings));
            IReadOnlyList<string> wanted = slurm is not null ? [SlurmHost.Name] : hosts.Count > 0 || folder.State.Hosts.Count > 0 ? hosts : ["localhost"];
            foreach (string host in wanted.Except(folder.State.Hosts, StringComparer.OrdinalIgnoreCase))
                folder.Append(new HostAdded(host));
        });
    }

    /// <summary>Stops a fleet's runs, where no process works on the fleet that could be asked to.</summary>
    public int StopRuns(string path, bool hasLifeLine) => Run(path, [], hasLifeLine, folder => folder.Append(new StopAsked(Runs: true)));

    private void CheckAccess(FleetRequest request)
    {
        if (slurm is not null && request.Hosts.Count > 0)
            throw new RunException(ExitCode.Configuration, "FleetHostsWithScheduler", $"--scheduler slurm chooses the hosts; '{request.Hosts[0]}' can't be named beside it.", request.Hosts[0]);
        if (slurm is not null && ChildProcess.FindProgram("sbatch") is null)
            throw new RunException(ExitCode.Configuration, "SlurmNotFound", "--scheduler slurm needs Slurm's sbatch, which is not on the path.");
        if (sshConfig is not null && !File.Exists(sshConfig))
            throw new RunException(ExitCode.Configuration, "SshConfigNotFound", $"The ssh configuration '{sshConfig}' does not exist.", sshConfig);
        try
        {
            GpuSourceSpec.Parse(gpuSource);
        }
        catch (FormatException wrong)
        {
            throw new RunException(ExitCode.Configuration, "GpuSourceUnknown", $"--gpu-source: {wrong.Message}", gpuSource, wrong);
        }
    }

    private int Run(string path, IReadOnlyList<NotificationTarget> onEvent, bool hasLifeLine, Action<FleetFolder> begin)
    {
        using CancellationTokenSource stopping = new();
        StopRequests requests = new(stopping.Cancel, onCheckpoint: () => { });
        using StopSignals signals = new(requests);
        if (hasLifeLine)
            LifeLine.Hold(Console.OpenStandardInput(), requests);
        using ChildGuard guard = new();
        using FleetFolder folder = FleetFolder.Open(path, RunVersions.Current().RobustTrain, TimeProvider.System);
        begin(folder);

        // The fleet tells of its runs, wherever they are; those on this machine would tell it twice.
        Environment.SetEnvironmentVariable(RunNotifications.Variable, null);
        using FleetNotifications notifications = new(onEvent, folder.Path, folder.State.Id, FleetFolder.ReadStatus(folder.Path), Warn, TimeProvider.System);

        // What was added by others may stand in another folder's words.
        Environment.CurrentDirectory = folder.State.WorkingFolder;
        HostAccess access = new(folder.Path, folder.State.Id, Environment.ProcessPath!, gpuSource, new SshOptions { ConfigPath = sshConfig }, options.ClockTolerance, options.Timeout);
        using FleetEngine engine = new(
            folder, options, FleetConfigurations.Reader,
            name => name == SlurmHost.Name ? new SlurmHost(access.Executable, folder.Path, slurm ?? []) : new AgentHost(name, access, guard),
            TimeProvider.System);
        engine.MemberChanged += member =>
        {
            Tell(folder.Path, member);
            notifications.Take(member);
        };
        engine.HostChanged += host =>
        {
            Tell(host);
            notifications.Take(host);
        };
        engine.Warned += Warn;
        bool isAtItsEnd = engine.RunAsync(stopping.Token).GetAwaiter().GetResult();
        int exitCode = !isAtItsEnd || folder.State.Stop is not null ? (int)ExitCode.Stopped
            : engine.Status!.Members.All(member => member.State == MemberState.Finished) ? (int)ExitCode.Finished
            : (int)ExitCode.Unexpected;
        string sentence = exitCode switch
        {
            (int)ExitCode.Stopped when folder.State.Stop is { Runs: true } => $"The fleet and its runs were stopped; go on with: robusttrain fleet run --path {folder.Path}",
            (int)ExitCode.Stopped => $"The fleet was stopped, its runs go on; go on with: robusttrain fleet run --path {folder.Path}",
            (int)ExitCode.Finished => "All runs of the fleet are finished.",
            _ => $"The fleet has nothing left to do; not all of its runs are finished: robusttrain fleet status --path {folder.Path}",
        };
        string state = exitCode switch { 0 => "finished", (int)ExitCode.Stopped => "stopped", _ => "failed" };
        Say(sentence);
        notifications.TakeEnd(state, sentence);
        stream?.Write(new RunFinished(state, exitCode, exitCode == (int)ExitCode.Unexpected ? "Not all runs of the fleet are finished." : null, exitCode == (int)ExitCode.Unexpected ? "FleetNotFinished" : null));
        return exitCode;
    }

    private void Tell(string path, MemberStatus member)
    {
        FleetEvents.Write(stream, path, member);
        string epochs = member.Epochs is { } all ? $", {member.EpochsDone}/{all} epochs" : "";
        Say($"{member.Name}: {member.State.ToString().ToLowerInvariant()}{epochs}: {member.Reason}");
    }

    private void Tell(HostStatus host)
    {
        stream?.Write(new FleetHostChanged(host.Name, host.IsUsable, host.Reason, host.Runs));
        Say($"host {host.Name}: {host.Reason}");
    }

    private void Warn(string sentence)
    {
        stream?.Write(new RunWarning(sentence));
        if (stream is null)
            CommandGuard.Say(sentence);
    }

    private void Say(string sentence)
    {
        if (stream is null)
            Console.Out.WriteLine($"{DateTime.Now:yyyy-MM-dd HH:mm:ss}  {sentence}");
    }
}

/// <summary>A fleet's statuses as events.</summary>
internal static class FleetEvents
{
    /// <summary>Writes one.</summary>
    public static void Write(EventStream? stream, string path, MemberStatus member) => stream?.Write(new FleetMemberChanged(
        member.Name, member.State.ToString().ToLowerInvariant(), member.Reason, FleetFolder.RunPathOf(path, member.Name), member.Config, member.Host, member.GpuIndex, member.EpochsDone, member.Epochs, member.Failures));
}
