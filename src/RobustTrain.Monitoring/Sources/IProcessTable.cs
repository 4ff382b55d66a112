using RobustTrain.Monitoring.Status;

namespace RobustTrain.Monitoring.Sources;

/// <summary>The processes of this host. Used from one thread.</summary>
internal interface IProcessTable
{
    /// <summary>One process; null where it has ended or may not be seen.</summary>
    HostProcess? Find(int processId);

    /// <summary>The processes of programs, with the share of the CPU that each has used since the last list.</summary>
    /// <exception cref="MonitorException">The system does not tell.</exception>
    IReadOnlyList<HostProcess> List();
}
