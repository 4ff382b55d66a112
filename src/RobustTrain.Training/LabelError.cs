using RobustTrain.Runs;

namespace RobustTrain.Training;

/// <summary>What is said of labels that do not fit the configuration.</summary>
internal static class LabelError
{
    /// <summary>A label that is neither a class nor the ignored value.</summary>
    public static RunException OutOfRange(string sample, long label, int classes, long ignoreIndex) =>
        new(ExitCode.Data, "LabelOutOfRange",
            $"The label of {sample} holds the value {label}, but must hold classes from 0 to {classes - 1}, or {ignoreIndex} where nothing is known.", sample);
}
