using RobustTrain.Fleet;
using RobustTrain.Fleet.Hosts;
using RobustTrain.Fleet.State;
using RobustTrain.Monitoring.Status;
using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Tests.Fleet;

/// <summary>A cluster that does not exist: hosts with GPUs on which runs live without processes. What a fleet knows only from its folder, it forgets at <see cref="KillFleet"/>.</summary>
internal sealed class FleetScene : IDisposable, IMemberReader
{
    private readonly TemporaryFolder _folder = new();
    private readonly HashSet<string> _cpu = [];
    private FleetFolder? _held;
    private FleetEngine? _engine;

    public ManualTime Time { get; } = new();

    public FleetOptions Options { get; set; } = new() { StartInterval = TimeSpan.Zero, Backoff = TimeSpan.FromSeconds(10), MaxRestarts = 2 };

    public Dictionary<string, SimulatedHost> Hosts { get; } = [];

    public Dictionary<string, string> Outdated { get; } = [];

    public List<string> Warnings { get; } = [];

    public string Path => _folder.At("runs");

    public FleetState State => _held?.State ?? FleetFolder.Read(Path);

    public FleetStatus Status => _engine?.Status ?? throw new InvalidOperationException("The fleet has not looked yet.");

    public MemberStatus this[string member] => Status.Members.Single(status => status.Name == member);

    public SimulatedHost AddHost(string name, int gpus)
    {
        SimulatedHost host = new(this, name, gpus);
        Hosts[name] = host;
        Take(new HostAdded(name));
        return host;
    }

    public void AddMember(string name, bool needsGpu = true)
    {
        if (!needsGpu)
            _cpu.Add(name);
        Take(new MemberAdded(name, _folder.At($"{name}.yaml"), []));
    }

    /// <summary>Looks and acts once, a second later than before.</summary>
    public async Task<bool> Look(int seconds = 1)
    {
        Open();
        Time.Advance(TimeSpan.FromSeconds(seconds));
        return await _engine!.StepAsync(CancellationToken.None);
    }

    public async Task LookUntil(Func<bool> reached, int most = 200)
    {
        for (int look = 0; look < most; look++)
        {
            await Look();
            if (reached())
                return;
        }

        Assert.Fail("It did not come to that.");
    }

    public void KillFleet()
    {
        _engine?.Dispose();
        _held?.Dispose();
        (_engine, _held) = (null, null);
    }

    public void Take(FleetEvent happened)
    {
        Open();
        _held!.Append(happened);
    }

    public MemberPlan Read(string config, IReadOnlyList<string> settings, string runPath)
    {
        string name = System.IO.Path.GetFileName(runPath);
        return new MemberPlan(!_cpu.Contains(name), Epochs: 10, Outdated.GetValueOrDefault(name));
    }

    /// <summary>Writes what a trainer would have written of its end.</summary>
    public void EndRun(string start, int exitCode, string? errorId = null) =>
        File.AppendAllText(FleetFolder.StartLogOf(Path, start), $$"""{"event":"run_finished","state":"x","exit_code":{{exitCode}},"error":"a reason","error_id":"{{errorId ?? "X"}}"}""" + "\n");

    public void Dispose()
    {
        KillFleet();
        _folder.Dispose();
    }

    private void Open()
    {
        _held ??= FleetFolder.Open(Path, "1", Time);
        if (_engine is not null)
            return;
        _engine = new FleetEngine(_held, Options, this, name => Hosts[name], Time);
        _engine.Warned += Warnings.Add;
    }

    /// <summary>A host without a machine.</summary>
    internal sealed class SimulatedHost(FleetScene scene, string name, int gpus) : IFleetHost
    {
        private int _lastProcess = 100;

        /// <summary>What lives there, by the start's id.</summary>
        public Dictionary<string, SimulatedRun> Living { get; } = [];

        /// <summary>All that was ever started there.</summary>
        public List<SimulatedRun> Started { get; } = [];

        public string? Problem { get; set; }

        public bool IsDown { get; set; }

        public double CpuPercent { get; set; }

        public int Utilization { get; set; }

        public long GpuMemoryFree { get; set; } = 20L << 30;

        public long DiskFree { get; set; } = 100L << 30;

        /// <summary>What happens to the next request to start: null for nothing, else thrown after (true) or before (false) it was started.</summary>
        public bool? LosesNextAnswer { get; set; }

        /// <summary>Whether it heeds what asks its runs to stop.</summary>
        public bool IgnoresStop { get; set; }

        public Task<HostObservation> ObserveAsync(IReadOnlyList<FleetStart> starts, CancellationToken stopping) => Task.FromResult(IsDown
            ? new HostObservation { Problem = "it did not answer", SilentFor = TimeSpan.FromTicks(1) }
            : new HostObservation
            {
                Problem = Problem,
                Cores = 8,
                CpuPercent = CpuPercent,
                Load = 0,
                MemoryFreeBytes = 64L << 30,
                DiskFreeBytes = DiskFree,
                Gpus = [.. Enumerable.Range(0, gpus).Select(Gpu)],
                Starts = starts.ToDictionary(start => start.Id, start => Living.TryGetValue(start.Id, out SimulatedRun? run)
                    ? new StartSighting(SightingState.Alive, run.Handle)
                    : new StartSighting(start.Handle is null && Started.All(run => run.Id != start.Id) ? SightingState.Never : SightingState.Gone, null)),
            });

        public Task<StartHandle> StartAsync(StartOrder order, CancellationToken stopping)
        {
            if (LosesNextAnswer == false)
                throw Lost();
            SimulatedRun run = new(order.Start, order.Member, order.Gpu, new StartHandle(new ProcessIdentity(name, ++_lastProcess, "x"), null));
            Assert.DoesNotContain(scene.Hosts.Values.SelectMany(host => host.Living.Values), other => other.Member == run.Member);
            Assert.DoesNotContain(Living.Values, other => run.Gpu is not null && other.Gpu == run.Gpu);
            Living.Add(run.Id, run);
            Started.Add(run);
            File.WriteAllText(FleetFolder.StartLogOf(scene.Path, run.Id), "");
            return LosesNextAnswer == true ? throw Lost() : Task.FromResult(run.Handle);

            FleetHostException Lost()
            {
                LosesNextAnswer = null;
                return new FleetHostException("it did not answer", isUnsettled: true);
            }
        }

        public Task EndAsync(StartHandle handle, bool kill, CancellationToken stopping)
        {
            SimulatedRun? run = Living.Values.FirstOrDefault(run => run.Handle == handle);
            if (run is not null && (kill || !IgnoresStop))
            {
                Living.Remove(run.Id);
                if (!kill)
                    scene.EndRun(run.Id, (int)ExitCode.Stopped);
            }

            return Task.CompletedTask;
        }

        /// <summary>Ends a run by its own doing.</summary>
        public void End(string member, int exitCode, string? errorId = null)
        {
            SimulatedRun run = Living.Values.Single(run => run.Member == member);
            Living.Remove(run.Id);
            scene.EndRun(run.Id, exitCode, errorId);
        }

        /// <summary>Ends a run without a word.</summary>
        public void Kill(string member) => Living.Remove(Living.Values.Single(run => run.Member == member).Id);

        public void Dispose()
        {
        }

        private GpuStatus Gpu(int index) => new()
        {
            ComputerName = name,
            Time = scene.Time.GetUtcNow(),
            Index = index,
            Uuid = $"GPU-{name}-{index}",
            Device = $"cuda:{index}",
            UtilizationPercent = Utilization,
            MemoryTotalBytes = 80L << 30,
            MemoryFreeBytes = GpuMemoryFree,
        };
    }

    internal sealed record SimulatedRun(string Id, string Member, string? Gpu, StartHandle Handle);
}
