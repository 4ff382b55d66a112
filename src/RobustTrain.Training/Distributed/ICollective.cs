namespace RobustTrain.Training.Distributed;

/// <summary>A collective that has begun.</summary>
public interface ICollective
{
    /// <summary>Returns once this rank's part is done: what it sends may be overwritten, what it receives is there.</summary>
    /// <exception cref="RankLostException">A rank was lost on the way: which, where, in which step and in what.</exception>
    void Wait();
}
