using System.Management.Automation;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Takes a number of workers, or the word auto, which the configuration calls null: the loader finds the number.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class WorkerCountTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData) =>
        SettingText.Of(inputData) is var text && text.Equals("auto", StringComparison.OrdinalIgnoreCase) ? "null" : text;
}
