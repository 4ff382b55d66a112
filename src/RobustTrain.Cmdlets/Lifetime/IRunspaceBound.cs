namespace RobustTrain.Cmdlets.Lifetime;

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
