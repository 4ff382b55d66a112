namespace RobustTrain.Runs.Configuration;

/// <summary>Marks a key that may change when a run goes on: no bit of what a finished run leaves depends on it.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class FreeOnResumeAttribute : Attribute;
