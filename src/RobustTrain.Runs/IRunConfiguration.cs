namespace RobustTrain.Runs;

/// <summary>What a run's record says of its configuration, of which it knows nothing else.</summary>
public interface IRunConfiguration
{
    /// <summary>A name for people.</summary>
    string Name { get; }

    /// <summary>Epochs to train.</summary>
    int Epochs { get; }

    /// <summary>The score that decides which epoch is best.</summary>
    string BestMetric { get; }
}
