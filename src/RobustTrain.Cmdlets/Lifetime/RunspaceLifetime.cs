using System.Collections.Concurrent;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Runtime.InteropServices;
using RobustTrain.Monitoring;

namespace RobustTrain.Cmdlets.Lifetime;

/// <summary>
/// What ends with a runspace. PowerShell stops only its own kinds of jobs when a runspace closes, so every way out leads here:
/// the runspace closes or breaks, the engine exits, the module is removed, the process exits or is told to by a signal.
/// </summary>
/// <remarks>
/// The state is static, one entry a runspace, and is the module's only such state: PowerShell makes a fresh instance of the
/// initializer for removal, and cmdlets are made anew for each call, so nothing else could know what is to be ended.
/// </remarks>
public sealed class RunspaceLifetime
{
    /// <summary>How long a teardown waits in all before it leaves the rest to the end of the process.</summary>
    public static readonly TimeSpan Bound = TimeSpan.FromSeconds(1.5);

    private static readonly ConcurrentDictionary<Guid, RunspaceLifetime> Lifetimes = new();
    private static int s_processHooked;
    private static PosixSignalRegistration? s_hangUp;

    private readonly ConcurrentDictionary<IRunspaceBound, byte> _members = new(ReferenceEqualityComparer.Instance);

    private RunspaceLifetime()
    {
    }

    /// <summary>The lifetime of the runspace that the calling thread works for.</summary>
    /// <exception cref="InvalidOperationException">The thread belongs to no runspace.</exception>
    public static RunspaceLifetime OfCurrentRunspace() => Of(Runspace.DefaultRunspace
        ?? throw new InvalidOperationException("This thread belongs to no runspace."));

    /// <summary>The lifetime of a runspace.</summary>
    public static RunspaceLifetime Of(Runspace runspace)
    {
        HookProcess();
        return Lifetimes.GetOrAdd(runspace.InstanceId, static (_, owner) => Hook(owner), runspace);
    }

    /// <summary>What is bound to any runspace of this process at present.</summary>
    public static IReadOnlyCollection<IRunspaceBound> Everything => [.. Lifetimes.Values.SelectMany(lifetime => lifetime._members.Keys)];

    /// <summary>The one thing of a kind that the runspace has; made, and bound to it, where it has none.</summary>
    public T GetOrAdd<T>(Func<T> make)
        where T : class, IRunspaceBound
    {
        lock (_members)
        {
            if (_members.Keys.OfType<T>().FirstOrDefault() is { } known)
                return known;

            T made = make();
            Add(made);
            return made;
        }
    }

    /// <summary>Binds something to the runspace.</summary>
    public void Add(IRunspaceBound member) => _members[member] = 0;

    /// <summary>Lets go of something that has ended by itself.</summary>
    public void Remove(IRunspaceBound member) => _members.TryRemove(member, out _);

    /// <summary>Ends everything bound to the runspace, side by side, within <see cref="Bound"/>. Safe to call again, and from several threads at once.</summary>
    public void End() => EndAll(TakeMembers());

    private static void EndEverywhere() => EndAll([.. Lifetimes.Values.SelectMany(lifetime => lifetime.TakeMembers())]);

    private IRunspaceBound[] TakeMembers() => [.. _members.Keys.Where(member => _members.TryRemove(member, out _))];

    private static void EndAll(IRunspaceBound[] ending)
    {
        if (ending.Length == 0)
            return;

        // Threads of their own: the pool may be busy with the very work that is to be ended, and one that hangs holds up no other.
        using var pending = new CountdownEvent(ending.Length);
        foreach (IRunspaceBound member in ending)
            new Thread(() => EndOne(member, pending)) { IsBackground = true, Name = "RobustTrain teardown" }.Start();

        pending.Wait(Bound);
    }

    private static void EndOne(IRunspaceBound member, CountdownEvent pending)
    {
        try
        {
            member.End();
        }
        catch (Exception failure) when (failure is IOException or InvalidOperationException or OperationCanceledException or UnauthorizedAccessException or System.ComponentModel.Win32Exception)
        {
            // It went away while it was being ended, and there is no pipeline left to report to.
            System.Diagnostics.Trace.WriteLine(failure);
        }

        try
        {
            pending.Signal();
        }
        catch (ObjectDisposedException)
        {
            // Nobody waits any more: the bound was over first.
        }
    }

    private static RunspaceLifetime Hook(Runspace runspace)
    {
        var lifetime = new RunspaceLifetime();

        // Neither handler is ever taken off: both end with the runspace, and taking one off inside itself deadlocks.
        runspace.StateChanged += (sender, change) =>
        {
            if (change.RunspaceStateInfo.State is RunspaceState.Closing or RunspaceState.Closed or RunspaceState.Broken)
            {
                Lifetimes.TryRemove(runspace.InstanceId, out _);
                lifetime.End();
            }
        };
        runspace.Events?.SubscribeEvent(
            source: null, eventName: null, sourceIdentifier: PSEngineEvent.Exiting, data: null,
            handlerDelegate: (_, _) => lifetime.End(), supportEvent: true, forwardEvent: false);
        return lifetime;
    }

    private static void HookProcess()
    {
        if (Interlocked.Exchange(ref s_processHooked, 1) != 0)
            return;

        // SIGTERM ends .NET by way of ProcessExit; SIGHUP, which a closed terminal sends, does not.
        AppDomain.CurrentDomain.ProcessExit += (_, _) => EndEverywhere();
        if (!OperatingSystem.IsWindows())
            s_hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, _ => EndEverywhere());
    }
}

/// <summary>Something that must not outlive the runspace that it was made in: a job, a child process, a monitor.</summary>
public interface IRunspaceBound
{
    /// <summary>
    /// Ends it. Called on any thread, possibly several times, possibly while the process exits; throws nothing that matters and
    /// returns within a fraction of a second, for what takes longer must go on without the shell (a trainer that writes its
    /// checkpoint) or be cut off.
    /// </summary>
    void End();
}

/// <summary>Ties the module to the runspace that imports it, and ends what that runspace has running when the module is removed.</summary>
public sealed class ModuleLifetime : IModuleAssemblyInitializer, IModuleAssemblyCleanup
{
    /// <inheritdoc/>
    public void OnImport()
    {
        RunspaceLifetime.OfCurrentRunspace();
        HostExecutable.MakeOwnExecutable();
    }

    /// <inheritdoc/>
    public void OnRemove(PSModuleInfo psModuleInfo) => RunspaceLifetime.OfCurrentRunspace().End();
}

/// <summary>The sources that Get-GpuStatus keeps open between calls, one set for each runspace.</summary>
internal sealed class RunspaceReader : IRunspaceBound
{
    /// <summary>The sources.</summary>
    public StatusReader Reader { get; } = new();

    /// <summary>The current runspace's.</summary>
    public static StatusReader OfCurrentRunspace() => RunspaceLifetime.OfCurrentRunspace().GetOrAdd(() => new RunspaceReader()).Reader;

    /// <inheritdoc/>
    public void End() => Reader.Dispose();
}
