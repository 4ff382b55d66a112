using System.Globalization;
using System.Management.Automation;
using RobustTrain.Cmdlets.Resources;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Takes a GPU, or a GPU's index as the objects of Get-GpuStatus carry it, for the device cuda:N.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class DeviceTransformationAttribute() : FromObjectAttribute("Device", "Index")
{
    /// <inheritdoc/>
    protected override object? ValueOf(object? input)
    {
        object? value = base.ValueOf(input);
        // The GPU of another host, or one that is lost, comes down a pipeline without a device; a training must not choose another one for it.
        if (value is null or "" or PSObject { BaseObject: "" })
            throw new ArgumentTransformationMetadataException(Strings.Format("NoDevice"));

        string? text = Convert.ToString(value is PSObject wrapped ? wrapped.BaseObject : value, CultureInfo.InvariantCulture);
        return uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint index) ? $"cuda:{index}" : value;
    }
}
