using System.Globalization;
using System.Management.Automation;
using RobustTrain.Cmdlets.Resources;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Takes a GPU's index, as the objects of Get-GpuStatus carry it, for the device cuda:N.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class DeviceTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        // The GPU of another host, or one that is lost, comes down a pipeline without a device; a training must not choose another one for it.
        if (inputData is null or "" or PSObject { BaseObject: "" })
            throw new ArgumentTransformationMetadataException(Strings.Format("NoDevice"));

        string? text = Convert.ToString(inputData is PSObject wrapped ? wrapped.BaseObject : inputData, CultureInfo.InvariantCulture);
        return uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint index) ? $"cuda:{index}" : inputData;
    }
}
