using RobustTrain.Fleet.State;

namespace RobustTrain.Fleet.Hosts;

/// <summary>Where runs are started: a machine, or a scheduler. Only one call is made at a time.</summary>
public interface IFleetHost : IDisposable
{
    /// <summary>Looks at it. A host that can't be used says why in <see cref="HostObservation.Problem"/>; nothing is thrown for it.</summary>
    /// <param name="starts">The starts that may live there.</param>
    /// <param name="stopping">Gives up.</param>
    Task<HostObservation> ObserveAsync(IReadOnlyList<FleetStart> starts, CancellationToken stopping);

    /// <summary>Starts a run.</summary>
    /// <exception cref="FleetHostException">It was not started.</exception>
    Task<StartHandle> StartAsync(StartOrder order, CancellationToken stopping);

    /// <summary>Asks a start to end, or kills it.</summary>
    /// <exception cref="FleetHostException">It could not be asked.</exception>
    Task EndAsync(StartHandle handle, bool kill, CancellationToken stopping);
}

/// <summary>A host could not do what it was asked to.</summary>
/// <param name="message">One sentence.</param>
/// <param name="isUnsettled">Whether it may have done it all the same, since its answer did not come.</param>
public sealed class FleetHostException(string message, bool isUnsettled) : Exception(message)
{
    /// <summary>Whether it may have done it all the same, since its answer did not come.</summary>
    public bool IsUnsettled { get; } = isUnsettled;
}
