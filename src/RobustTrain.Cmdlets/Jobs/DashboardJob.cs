using System.Management.Automation;
using RobustTrain.Cmdlets.Lifetime;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Jobs;

/// <summary>A page that a process of its own serves, and that ends with the runspace. Its warnings are the job's.</summary>
public sealed class DashboardJob : ManagedJob
{
    private static readonly TimeSpan s_stopGrace = TimeSpan.FromSeconds(5);

    private readonly HostCall _server;
    private readonly TaskCompletionSource<DashboardStarted> _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CmdletWords _words;

    internal DashboardJob(DashboardRequest request, string command, string? name)
        : base(nameof(DashboardJob), command, name)
    {
        _words = request.Words;
        Path = request.Path;
        ComputerName = request.ComputerName.Count == 0 ? [Environment.MachineName] : request.ComputerName;
        AllowControl = request.AllowControl;
        _server = new HostCall(request.Arguments(), request.WorkingFolder, RunspaceLifetime.OfCurrentRunspace(), s_stopGrace, request.Path, request.Words);
    }

    /// <summary>The runs' folder.</summary>
    public string Path { get; }

    /// <summary>The hosts that it shows.</summary>
    public IReadOnlyList<string> ComputerName { get; }

    /// <summary>Whether it may stop and resume runs.</summary>
    public bool AllowControl { get; }

    /// <summary>Its address without the token.</summary>
    public string? Address { get; private set; }

    /// <summary>Its address with the token: who has it may see the page.</summary>
    public string? Url { get; private set; }

    /// <summary>Its server's process.</summary>
    public int? ProcessId => _server.ProcessId;

    /// <inheritdoc/>
    public override string StatusMessage => Address ?? Strings.Format("JobStarting");

    /// <summary>Completes when the page is served, and fails where it can't be.</summary>
    internal Task<DashboardStarted> Started => _started.Task;

    /// <summary>Takes it off the session's jobs.</summary>
    internal void Forget()
    {
        using var shell = PowerShell.Create(RunspaceMode.CurrentRunspace);
        shell.AddCommand("Microsoft.PowerShell.Core\\Remove-Job").AddParameter("InstanceId", InstanceId).AddParameter("Force").Invoke();
    }

    /// <inheritdoc/>
    protected override async Task RunAsync(CancellationToken stopping)
    {
        try
        {
            HostEnd end = await _server.RunAsync(TakeAsync, stopping).ConfigureAwait(false);
            if (stopping.IsCancellationRequested || end.ExitCode == (int)ExitCode.Finished)
                return;
            throw _started.Task.IsCompleted || end.Failure is null ? new RunException(ExitCode.Unexpected, "DashboardEnded", Strings.Format("DashboardEnded", end.ExitCode), this) : end.Failure;
        }
        catch (Exception failure) when (_started.TrySetException(failure))
        {
            throw;
        }
        finally
        {
            _started.TrySetCanceled(CancellationToken.None);
        }
    }

    private Task TakeAsync(RunEvent happened)
    {
        switch (happened)
        {
            case DashboardStarted started:
                Address = started.Address;
                Url = started.Url;
                _started.TrySetResult(started);
                break;
            case RunWarning warning when Warning.IsOpen:
                Warning.Add(new WarningRecord(_words.Of(warning.Message)));
                break;
        }

        return Task.CompletedTask;
    }
}

/// <summary>What a page's server is told on its command line.</summary>
internal sealed record DashboardRequest
{
    /// <summary>The runs' folder, absolute.</summary>
    public required string Path { get; init; }

    /// <summary>What relative paths are relative to.</summary>
    public required string WorkingFolder { get; init; }

    /// <summary>The hosts; none means this one.</summary>
    public IReadOnlyList<string> ComputerName { get; init; } = [];

    /// <summary>Whether the page may stop and resume runs.</summary>
    public bool AllowControl { get; init; }

    /// <summary>The other options, as they are written.</summary>
    public required IReadOnlyList<string> Options { get; init; }

    /// <summary>How the cmdlet calls what the executable names by its options.</summary>
    public required CmdletWords Words { get; init; }

    /// <summary>The arguments of <c>robusttrain dashboard</c>.</summary>
    public IEnumerable<string> Arguments() =>
        ["dashboard", Path, .. ComputerName.SelectMany(host => (string[])["--host", host]), .. AllowControl ? (string[])["--allow-control"] : [], .. Options, "--events", "--life-line"];
}
