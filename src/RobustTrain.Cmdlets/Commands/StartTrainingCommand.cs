using System.Diagnostics;
using System.Globalization;
using System.Management.Automation;
using System.Runtime.InteropServices;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Jobs;
using RobustTrain.Cmdlets.Lifetime;
using RobustTrain.Cmdlets.Output;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Platform.Notifications;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Trains a network in a process of its own: an object for each epoch as it ends, or with -PassThru the run at the end.</summary>
[Cmdlet(VerbsLifecycle.Start, "Training", SupportsShouldProcess = true, DefaultParameterSetName = ForegroundSet)]
[OutputType(typeof(TrainingEpoch), typeof(TrainingRun), ParameterSetName = [ForegroundSet])]
[OutputType(typeof(TrainingJob), ParameterSetName = [JobSet])]
[OutputType(typeof(TrainingRun), ParameterSetName = [DetachedSet])]
public sealed class StartTrainingCommand : ConfiguredCmdlet, ITrainingView
{
    private const string ForegroundSet = "Foreground";
    private const string JobSet = "Job";
    private const string DetachedSet = "Detached";

    // The keystroke that stops the training also arrives as a signal; only a later one means: at once.
    private static readonly TimeSpan SameInterrupt = TimeSpan.FromMilliseconds(300);

    private TrainingSession? _session;
    private bool _hasInput;

    /// <summary>The run's folder.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [FromObject("RunPath", "FullName")]
    [ArgumentCompleter(typeof(RunPathCompleter))]
    [ValidateNotNullOrEmpty]
    public string? RunPath { get; set; }

    /// <summary>What to do where the folder holds a run.</summary>
    [Parameter]
    public ResumeMode Resume { get; set; }

    /// <summary>Processes that share each batch, on this machine or on -ComputerName.</summary>
    [Parameter]
    [ValidateRange(1, 65536)]
    public int Ranks { get; set; }

    /// <summary>The hosts of the ranks, as ssh knows them.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(SshHostCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] ComputerName { get; set; } = [];

    /// <summary>The most ranks of one host.</summary>
    [Parameter]
    [ValidateRange(1, 65536)]
    public int RanksPerHost { get; set; }

    /// <summary>Goes on with the hosts that are left where a rank is lost.</summary>
    [Parameter]
    public SwitchParameter Restart { get; set; }

    /// <summary>Takes in a host that comes back.</summary>
    [Parameter]
    public SwitchParameter Rejoin { get; set; }

    /// <summary>Trains in a job beside the shell.</summary>
    [Parameter(Mandatory = true, ParameterSetName = JobSet)]
    public SwitchParameter AsJob { get; set; }

    /// <summary>Trains on when the shell is gone.</summary>
    [Parameter(Mandatory = true, ParameterSetName = DetachedSet)]
    public SwitchParameter Detach { get; set; }

    /// <summary>Writes the run when it has ended, in place of its epochs.</summary>
    [Parameter(ParameterSetName = ForegroundSet)]
    [Parameter(ParameterSetName = JobSet)]
    public SwitchParameter PassThru { get; set; }

    /// <summary>Commands and webhooks that the run's own process tells how it ends: finished, failed, stuck or stopped.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public NotificationTarget[] OnEvent { get; set; } = [];

    /// <summary>A trainer writes its checkpoint before it ends.</summary>
    protected override TimeSpan StopGrace => TrainingSession.StopGrace + TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    protected override string? StopNotice => Strings.Format("WaitingForCheckpoint");

    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        _hasInput = true;
        _session = null;
        try
        {
            await StartAsync(stopping);
        }
        catch (RunException failure) when (_session?.ExitCode is null)
        {
            // Refused before there was a trainer, or by one that was to be detached.
            await OnPipelineThread(() => SetLastExitCode((int)failure.ExitCode));
            throw;
        }
    }

    private async Task StartAsync(CancellationToken stopping)
    {
        TrainingRequest request = await CompleteRequestAsync();
        string action = (IsWhatIf ? await CheckAsync(request, stopping) : null) ?? Strings.Format("StartTrainingAction");
        if (!await ShouldProcessAsync(request.Subject, action))
            return;

        if (Detach)
            await DetachAsync(request, stopping);
        else if (AsJob)
            await OnPipelineThread(() => StartJob(request));
        else
            await TrainAsync(request, stopping);
    }

    /// <summary>A pipeline that chose nothing has trained nothing, which a scheduled task must not take for success.</summary>
    protected override async Task EndProcessingAsync(CancellationToken stopping)
    {
        if (_hasInput)
            return;

        await OnPipelineThread(() => SetLastExitCode((int)ExitCode.Configuration));
        await ThrowTerminatingErrorAsync(new RunException(ExitCode.Configuration, "NothingToTrain", Strings.Format("NothingToTrain")));
    }

    /// <inheritdoc/>
    protected override void AfterStop()
    {
        SetLastExitCode(_session?.ExitCode);

        // The streams of a stopped pipeline are closed; the host is not.
        if (_session?.StopReport is { } report)
            Host.UI?.WriteWarningLine(report);
    }

    Task ITrainingView.WriteAsync(PSObject value) => WriteObjectAsync(value);

    Task ITrainingView.TellAsync(string message) => WriteHostAsync(message);

    Task ITrainingView.WarnAsync(string message) => WriteWarningAsync(message);

    Task ITrainingView.DetailAsync(string message) => WriteVerboseAsync(message);

    Task ITrainingView.ShowAsync(ProgressRecord progress) => WriteProgressAsync(progress);

    private async Task<TrainingRequest> CompleteRequestAsync()
    {
        TrainingRequest request = await ReadRequestAsync();
        string? configured = ConfigurationPath is null ? null : await ResolvePathAsync(ConfigurationPath);
        string? run = RunPath is null ? null : await ResolvePathAsync(RunPath);
        // A run in the configuration's place means the run itself; with another -RunPath, its configuration once more.
        bool isRunItself = configured is not null && RunFolder.IsRun(configured) && (run is null || run == configured);
        return request with
        {
            ConfigurationPath = isRunItself ? null : request.ConfigurationPath,
            RunPath = isRunItself ? configured : run,
            Resume = MyInvocation.BoundParameters.ContainsKey(nameof(Resume)) ? Resume : null,
            WritesRun = PassThru,
            RankArguments = [.. RankArguments()],
            OnEvent = [.. OnEvent.Select(target => target.Text)],
        };
    }

    private IEnumerable<string> RankArguments()
    {
        if (Ranks > 0)
        {
            yield return "--ranks";
            yield return Ranks.ToString(CultureInfo.InvariantCulture);
        }

        if (ComputerName.Length > 0)
        {
            yield return "--hosts";
            yield return string.Join(',', ComputerName);
        }

        if (RanksPerHost > 0)
        {
            yield return "--ranks-per-host";
            yield return RanksPerHost.ToString(CultureInfo.InvariantCulture);
        }

        if (Restart)
            yield return "--restart";
        if (Rejoin)
            yield return "--rejoin";
    }

    // What could not begin is an error under -WhatIf, too.
    private async Task<string?> CheckAsync(TrainingRequest request, CancellationToken stopping)
    {
        if (request.RunPath is { } path)
            RunFolder.CheckPath(path, request.Resume ?? ResumeMode.Auto);
        ConfigurationChecked? found = null;
        await CallAsync(["config", "check", .. request.RunArguments()], Strings.Format("CheckActivity"), request.Subject, happened => found = happened as ConfigurationChecked ?? found, stopping);
        return found is { Device: { } device, RunPath: { } run } ? Strings.Format("StartTrainingPlan", device, run) : null;
    }

    private async Task TrainAsync(TrainingRequest request, CancellationToken stopping)
    {
        RunspaceLifetime lifetime = await OnPipelineThread(RunspaceLifetime.OfCurrentRunspace);
        _session = new TrainingSession(request, this, lifetime, progressId: 1);
        using PosixSignalRegistration interrupts = KillAtSecondInterrupt(_session, stopping);
        try
        {
            await _session.RunAsync(stopping);
        }
        finally
        {
            if (!stopping.IsCancellationRequested)
                await OnPipelineThread(() => SetLastExitCode(_session.ExitCode));
        }
    }

    private static PosixSignalRegistration KillAtSecondInterrupt(TrainingSession session, CancellationToken stopping)
    {
        long stopTime = 0;
        stopping.Register(() => stopTime = Stopwatch.GetTimestamp());
        return PosixSignalRegistration.Create(PosixSignal.SIGINT, interrupt =>
        {
            interrupt.Cancel = true;
            if (stopTime != 0 && Stopwatch.GetElapsedTime(stopTime) > SameInterrupt)
                session.Kill();
        });
    }

    private void StartJob(TrainingRequest request)
    {
        var job = new TrainingJob(request, MyInvocation.Line.Trim(), Name, MyInvocation.BoundParameters.TryGetValue("Verbose", out object? verbose) && verbose is SwitchParameter { IsPresent: true });
        job.StartFor(this);
        WriteObject(job);
    }

    private async Task DetachAsync(TrainingRequest request, CancellationToken stopping)
    {
        string runPath = await DetachedTraining.StartAsync(request, stopping);
        await OnPipelineThread(() => SetLastExitCode((int)ExitCode.Finished));
        await WriteObjectAsync(TrainingRun.From(RunFolder.ReadRecord(runPath), runPath));
    }

    private void SetLastExitCode(int? exitCode)
    {
        if (exitCode is { } code)
            SessionState.PSVariable.Set("global:LASTEXITCODE", code);
    }
}
