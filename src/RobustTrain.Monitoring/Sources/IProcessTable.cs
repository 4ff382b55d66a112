using RobustTrain.Monitoring.Status;

namespace RobustTrain.Monitoring.Sources;

/// <summary>The processes of this host. Used from one thread.</summary>
internal interface IProcessTable
{
    /// <summary>One process; null where it has ended or may not be seen.</summary>
    HostProcess? Find(int processId);
}
