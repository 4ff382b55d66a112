using System.CommandLine;
using System.Globalization;
using RobustTrain.Fleet;
using RobustTrain.Fleet.Hosts;
using RobustTrain.Fleet.State;
using RobustTrain.Host.Jobs;
using RobustTrain.Host.Output;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Host.Commands;

/// <summary><c>robusttrain fleet</c>: keeps many configurations going on many hosts.</summary>
internal static class FleetCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create() => new("fleet", "Keeps a set of configurations going on a set of hosts until all are finished.")
    {
        Run(),
        Status(),
        Stop(),
        Add(),
        Remove(),
        Agent(),
    };

    private static Command Run()
    {
        WhatOptions what = new();
        LimitOptions limits = new();
        AccessOptions access = new();
        Option<string[]> onEvent = CommonOptions.OnEvent("that runs are finished, have failed for good or are stuck, of hosts that can't be used (alert), and how the fleet ends (finished, failed, stopped)");
        Option<bool> dryRun = new("--dry-run") { Description = "Checks everything and says what would be trained, and does nothing." };
        Option<bool> events = CommonOptions.Events();
        Option<bool> lifeLine = CommonOptions.LifeLine();
        Command command = new(
            "run",
            "Trains configurations on idle GPUs of hosts, over ssh, until all are finished; starts again what fails or stands still. Killed at any moment and called again it goes on: nothing is started twice, and runs go on without it. Hosts need a shared disk and the same robusttrain. Exit codes: 0 all are finished, 1 not all, 2 usage, 75 stopped.")
        {
            onEvent, dryRun, events, lifeLine,
        };
        what.AddTo(command);
        limits.AddTo(command);
        access.AddTo(command);
        command.SetAction(parsed => Guard(parsed, events, stream => access.Job(parsed, limits.Read(parsed), stream).Run(what.Read(parsed), RunNotifications.TargetsOf(parsed.GetValue(onEvent)!), parsed.GetValue(lifeLine), parsed.GetValue(dryRun))));
        return command;
    }

    private static Command Status()
    {
        Option<string> path = FolderOption();
        Option<bool> events = CommonOptions.Events();
        Command command = new("status", "Says how the configurations and hosts of a fleet stand.") { path, events };
        command.SetAction(parsed => Guard(parsed, events, stream =>
        {
            string folder = Path.GetFullPath(parsed.GetValue(path)!);
            FleetOpened? holder = FleetFolder.HolderOf(folder);
            FleetStatus? status = FleetFolder.ReadStatus(folder);
            if (stream is not null)
                Write(stream, folder, status);
            else
                Print(holder, status);
            return (int)ExitCode.Finished;
        }));
        return command;
    }

    private static Command Stop()
    {
        Option<string> path = FolderOption();
        Option<bool> runs = new("--runs") { Description = "Stops its runs too, each with a checkpoint." };
        AccessOptions access = new();
        Option<bool> events = CommonOptions.Events();
        Option<bool> lifeLine = CommonOptions.LifeLine();
        Command command = new("stop", "Ends the process that works on a fleet, and waits until it has ended; its runs go on, unless --runs is given.") { path, runs, events, lifeLine };
        access.AddTo(command);
        command.SetAction(parsed => Guard(parsed, events, stream =>
        {
            string folder = Path.GetFullPath(parsed.GetValue(path)!);
            if (FleetFolder.HolderOf(folder) is not { } holder)
            {
                return parsed.GetValue(runs)
                    ? Expect(access.Job(parsed, new FleetOptions(), stream).StopRuns(folder, parsed.GetValue(lifeLine)))
                    : throw new RunException(ExitCode.Configuration, "FleetNotRunning", $"No process works on the fleet at '{folder}'; with --runs its runs are stopped all the same.", folder);
            }

            FleetFolder.Ask(folder, new StopAsked(parsed.GetValue(runs)));
            return CancellableWork.Run(
                parsed.GetValue(lifeLine),
                stopping =>
                {
                    while (FleetFolder.Read(folder).Holder is { } still && still.Process == holder.Process && FleetFolder.HolderOf(folder) is not null)
                    {
                        if (stopping.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(250)))
                            stopping.ThrowIfCancellationRequested();
                    }

                    return (int)ExitCode.Finished;
                },
                reason => new RunException(ExitCode.Unexpected, "FleetStopNotAwaited", $"The fleet was asked to stop, but its end is not waited for ({reason})."));
        }));
        return command;

        static int Expect(int exitCode) => exitCode == (int)ExitCode.Stopped ? (int)ExitCode.Finished : exitCode;
    }

    private static Command Add()
    {
        WhatOptions what = new();
        Option<bool> events = CommonOptions.Events();
        Command command = new("add", "Gives a fleet further configurations or hosts, while it works or not. A configuration that had failed is tried again.") { events, CommonOptions.LifeLine() };
        what.AddTo(command);
        command.SetAction(parsed => Guard(parsed, events, stream =>
        {
            FleetRequest request = what.Read(parsed);
            (IReadOnlyList<MemberSpec> members, IReadOnlyList<string> hosts) = request.Check(FleetFolder.Read(request.Path));
            if (members.Count + hosts.Count == 0)
                throw new RunException(ExitCode.Configuration, "FleetNothingToAdd", "There is nothing to add; name configurations, or hosts by --host.");
            foreach (string host in hosts)
                FleetFolder.Ask(request.Path, new HostAdded(host));
            foreach (MemberSpec member in members)
            {
                FleetFolder.Ask(request.Path, new MemberAdded(member.Name, member.Config, member.Settings));
                FleetEvents.Write(stream, request.Path, new MemberStatus(member.Name, MemberState.Queued, "was added") { Config = member.Config });
            }

            return (int)ExitCode.Finished;
        }));
        return command;
    }

    private static Command Remove()
    {
        Argument<string[]> names = new("NAME") { Arity = ArgumentArity.ZeroOrMore, Description = "Names of runs, as 'fleet status' tells them." };
        Option<string[]> hosts = HostOption();
        Option<string> path = FolderOption();
        Option<bool> events = CommonOptions.Events();
        Command command = new("remove", "Takes configurations or hosts from a fleet. A run at work is stopped with a checkpoint; its folder stays, and that of a removed host goes on elsewhere.") { names, hosts, path, events, CommonOptions.LifeLine() };
        command.SetAction(parsed => Guard(parsed, events, _ =>
        {
            string folder = Path.GetFullPath(parsed.GetValue(path)!);
            FleetState state = FleetFolder.Read(folder);
            string[] wanted = parsed.GetValue(names) ?? [], gone = parsed.GetValue(hosts) ?? [];
            if (wanted.Length + gone.Length == 0)
                throw new RunException(ExitCode.Configuration, "FleetNothingToRemove", "There is nothing to remove; name runs, or hosts by --host.");
            Find(wanted, state.Members.Select(member => member.Name), "run", folder);
            Find(gone, state.Hosts, "host", folder);
            foreach (string name in wanted)
                FleetFolder.Ask(folder, new MemberRemoved(name));
            foreach (string host in gone)
                FleetFolder.Ask(folder, new HostRemoved(host));
            return (int)ExitCode.Finished;
        }));
        return command;
    }

    private static Command Agent()
    {
        Command command = new("agent", "Answers a fleet's questions on a host; for fleets only.") { Hidden = true };
        command.SetAction(_ => CommandGuard.Run(() =>
        {
            using FleetAgent agent = new();
            agent.RunAsync(Console.OpenStandardInput(), Console.OpenStandardOutput()).GetAwaiter().GetResult();
            return (int)ExitCode.Finished;
        }));
        return command;
    }

    private static int Guard(ParseResult parsed, Option<bool> events, Func<EventStream?, int> run)
    {
        EventStream? stream = CommonOptions.OpenStream(parsed.GetValue(events));
        return CommandGuard.Run(() => run(stream), stream);
    }

    private static void Find(string[] wanted, IEnumerable<string> known, string what, string folder)
    {
        foreach (string name in wanted.Where(name => !known.Contains(name, StringComparer.OrdinalIgnoreCase)))
            throw new RunException(ExitCode.Configuration, "FleetMemberNotFound", $"The fleet at '{folder}' has no {what} '{name}'.{NearestName.Hint(name, known)}", name);
    }

    private static void Write(EventStream stream, string folder, FleetStatus? status)
    {
        foreach (MemberStatus member in status?.Members ?? [])
            FleetEvents.Write(stream, folder, member);
        foreach (HostStatus host in status?.Hosts ?? [])
            stream.Write(new FleetHostChanged(host.Name, host.IsUsable, host.Reason, host.Runs));
    }

    private static void Print(FleetOpened? holder, FleetStatus? status)
    {
        string time = status is null ? "it has not looked yet" : $"as of {status.Time.LocalDateTime:yyyy-MM-dd HH:mm:ss}";
        Console.Out.WriteLine(holder is null ? $"No process works on the fleet; {time}." : $"Process {holder.Process.ProcessId} on {holder.Process.Host} works on the fleet; {time}.");
        foreach (MemberStatus member in status?.Members ?? [])
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{member.Name,-28}  {member.State.ToString().ToLowerInvariant(),-8}  {member.EpochsDone,4}/{member.Epochs,-4}  {member.Reason}"));
        foreach (HostStatus host in status?.Hosts ?? [])
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"host {host.Name,-23}  {(host.IsUsable ? "usable" : "unusable"),-8}  {Counted.Of(host.Runs, "run"),9}  {host.Reason}"));
    }

    private static Option<string> FolderOption() => new("--path")
    {
        HelpName = "FOLDER",
        DefaultValueFactory = _ => "runs",
        Description = "The fleet's folder, in which its runs stand; a disk that all its hosts see at this place.",
    };

    private static Option<string[]> HostOption() => new("--host")
    {
        HelpName = "HOST",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
        DefaultValueFactory = _ => [],
        Description = "A host, as the operator's ssh configuration knows it; localhost is this machine. May be given several times.",
    };

    // What is to be trained, and where.
    private sealed class WhatOptions
    {
        private readonly Argument<string[]> _configs = new("CONFIG") { Arity = ArgumentArity.ZeroOrMore, Description = "Configurations, YAML files. A run is named after its file." };
        private readonly Option<string[]> _hosts = HostOption();
        private readonly Option<string> _path = FolderOption();
        private readonly Option<string[]> _settings = new ConfigurationOptions().Settings;

        private readonly Option<string[]> _sweeps = new("--sweep")
        {
            HelpName = "KEY=VALUE,VALUE",
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = false,
            DefaultValueFactory = _ => [],
            Description = "Trains each configuration with each of the values, as --sweep optimizer.learning_rate=1e-3,3e-3; several make every combination.",
        };

        public void AddTo(Command command)
        {
            command.Add(_configs);
            foreach (Option option in (Option[])[_hosts, _path, _settings, _sweeps])
                command.Add(option);
        }

        public FleetRequest Read(ParseResult parsed) => new(
            Path.GetFullPath(parsed.GetValue(_path)!), parsed.GetValue(_configs) ?? [], parsed.GetValue(_settings) ?? [], parsed.GetValue(_sweeps) ?? [], parsed.GetValue(_hosts) ?? []);
    }

    // How hosts are reached.
    private sealed class AccessOptions
    {
        private readonly Option<string> _gpuSource = new("--gpu-source") { HelpName = "SOURCE", DefaultValueFactory = _ => "auto", Description = "Where hosts read their GPUs from: auto, nvml, nvidia-smi, or simulated:N." };
        private readonly Option<string?> _sshConfig = new("--ssh-config") { HelpName = "FILE", Description = "An ssh configuration in place of the operator's own." };
        private readonly Option<string> _scheduler = CommonOptions.OneOf("--scheduler", "What chooses hosts: this fleet over ssh, or Slurm, to which runs are handed by sbatch.", "ssh", "ssh", "slurm");

        private readonly Option<string[]> _slurmOptions = new("--slurm-option")
        {
            HelpName = "OPTION",
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = false,
            DefaultValueFactory = _ => [],
            Description = "A further option of sbatch, as --slurm-option=--partition=gpu; may be given several times.",
        };

        public void AddTo(Command command)
        {
            foreach (Option option in (Option[])[_gpuSource, _sshConfig, _scheduler, _slurmOptions])
                command.Add(option);
        }

        public FleetJob Job(ParseResult parsed, FleetOptions options, EventStream? stream) => new(
            options,
            parsed.GetValue(_gpuSource)!,
            parsed.GetValue(_sshConfig) is { } config ? Path.GetFullPath(config) : null,
            parsed.GetValue(_scheduler)!.Equals("slurm", StringComparison.OrdinalIgnoreCase) ? parsed.GetValue(_slurmOptions) ?? [] : null,
            stream);
    }

    // When a host is free enough, and what becomes of runs that fail; without one of them its default holds.
    private sealed class LimitOptions
    {
        private readonly List<(Option<double?> Option, Func<FleetOptions, double, FleetOptions> Set)> _options = [];

        public LimitOptions()
        {
            FleetOptions defaults = new();
            Add("--gpu-utilization-below", "PERCENT", defaults.GpuUtilizationBelow, "A GPU must be used less than this.", (options, value) => options with { GpuUtilizationBelow = value });
            Add("--gpu-memory-free", "GIB", Gibibytes(defaults.GpuMemoryFreeBytes), "So much of its memory must be free.", (options, value) => options with { GpuMemoryFreeBytes = Bytes(value) });
            Add("--cpu-utilization-below", "PERCENT", defaults.CpuUtilizationBelow, "A host's CPU must be used less than this.", (options, value) => options with { CpuUtilizationBelow = value });
            Add("--memory-free", "GIB", Gibibytes(defaults.MemoryFreeBytes), "So much memory must be free on a host.", (options, value) => options with { MemoryFreeBytes = Bytes(value) });
            Add("--disk-free", "GIB", Gibibytes(defaults.DiskFreeBytes), "So much must be free on the disk of the fleet's folder.", (options, value) => options with { DiskFreeBytes = Bytes(value) });
            Add("--load-per-core-below", "LOAD", defaults.LoadPerCoreBelow, "A host's load must be less than this for each of its cores.", (options, value) => options with { LoadPerCoreBelow = value });
            Add("--slots", "N", defaults.Slots, "How many configurations with device cpu a host takes at once.", (options, value) => options with { Slots = (int)value });
            Add("--start-interval", "SECONDS", defaults.StartInterval.TotalSeconds, "The time between two starts on one host.", (options, value) => options with { StartInterval = Seconds(value) });
            Add("--max-restarts", "N", defaults.MaxRestarts, "How often a run is started again after failures in a row; an epoch in between begins a new row.", (options, value) => options with { MaxRestarts = (int)value });
            Add("--backoff", "SECONDS", defaults.Backoff.TotalSeconds, "The wait before a run that has failed is started again; each further failure doubles it, up to an hour.", (options, value) => options with { Backoff = Seconds(value) });
            Add("--stuck-after", "SECONDS", defaults.StuckAfter.TotalSeconds, "A run that has made no step for so long is stopped and started again.", (options, value) => options with { StuckAfter = Seconds(value) });
            Add("--stop-grace", "SECONDS", defaults.StopGrace.TotalSeconds, "How long a run that is to end may take for its checkpoint.", (options, value) => options with { StopGrace = Seconds(value) });
            Add("--host-lost-after", "SECONDS", defaults.HostLostAfter.TotalSeconds, "A host that is silent for so long is lost, and its runs go on elsewhere.", (options, value) => options with { HostLostAfter = Seconds(value) });
            Add("--timeout", "SECONDS", defaults.Timeout.TotalSeconds, "How long a host may take to answer.", (options, value) => options with { Timeout = Seconds(value) });
            Add("--clock-tolerance", "SECONDS", defaults.ClockTolerance.TotalSeconds, "By how much a host's clock may differ.", (options, value) => options with { ClockTolerance = Seconds(value) });
            Add("--interval", "SECONDS", defaults.Interval.TotalSeconds, "The time between two looks.", (options, value) => options with { Interval = Seconds(value) });
        }

        public void AddTo(Command command) => _options.ForEach(option => command.Add(option.Option));

        public FleetOptions Read(ParseResult parsed) => _options.Aggregate(new FleetOptions(), (options, option) => parsed.GetValue(option.Option) is { } value ? option.Set(options, value) : options);

        private void Add(string name, string unit, double standard, string description, Func<FleetOptions, double, FleetOptions> set) => _options.Add((
            new Option<double?>(name) { HelpName = unit, Description = string.Create(CultureInfo.InvariantCulture, $"{description} [default: {standard}]") }, set));

        private static double Gibibytes(long bytes) => bytes / (double)(1L << 30);

        private static long Bytes(double gibibytes) => (long)(gibibytes * (1L << 30));

        private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(Math.Clamp(seconds, -1, 1e9));
    }
}
