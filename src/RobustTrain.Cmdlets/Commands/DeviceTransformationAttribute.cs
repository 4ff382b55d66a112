using System.Globalization;
using System.Management.Automation;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Takes a GPU's index, as the objects of Get-GpuStatus carry it, for the device cuda:N.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class DeviceTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        string? text = Convert.ToString(inputData is PSObject wrapped ? wrapped.BaseObject : inputData, CultureInfo.InvariantCulture);
        return uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint index) ? $"cuda:{index}" : inputData;
    }
}
