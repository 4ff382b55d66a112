namespace RobustTrain.Runs;

/// <summary>What to do with a folder that already holds a run.</summary>
public enum ResumeMode
{
    /// <summary>Refuse it.</summary>
    Never,

    /// <summary>Go on with it, or begin a new run where there is none.</summary>
    Auto,

    /// <summary>Go on with it, and refuse a folder that holds none.</summary>
    Require,
}
