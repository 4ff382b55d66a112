using System.Collections;
using System.Globalization;
using System.Management.Automation;
using RobustTrain.Cmdlets.Output;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>
/// Takes an object where its text is meant, as an argument and from the pipeline alike: the first of some properties that it has.
/// Without it PowerShell would take the object's own text, which names nothing.
/// </summary>
/// <param name="properties">The properties; the first that the object has is meant, so that one without a value stands for nothing else.</param>
[AttributeUsage(AttributeTargets.Property)]
internal class FromObjectAttribute(params string[] properties) : ArgumentTransformationAttribute
{
    /// <summary>Escapes what a property gives, for a parameter that takes wildcards.</summary>
    public bool EscapesWildcards { get; init; }

    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData) => ValueOf(inputData)!;

    /// <summary>A single object's value; texts and numbers stand for themselves.</summary>
    /// <exception cref="ArgumentTransformationMetadataException">It has none of the properties.</exception>
    protected virtual object? ValueOf(object? input) => Unwrapped(input) switch
    {
        null => null,
        string or ValueType => Unwrapped(input),
        IEnumerable items and not IDictionary => items.Cast<object?>().Select(ValueOf).ToArray(),
        { } other => PropertyOf(PSObject.AsPSObject(input), other),
    };

    private object PropertyOf(PSObject input, object value)
    {
        PSPropertyInfo? property = properties.Select(name => input.Properties[name]).FirstOrDefault(candidate => candidate is not null);
        switch (Unwrapped(property?.Value))
        {
            case string text when text.Length > 0:
                return EscapesWildcards ? WildcardPattern.Escape(text) : text;
            case ValueType number:
                return number;
        }

        // An invalid cast tells PowerShell to try the pipeline's object on other parameters.
        string kind = value is PSCustomObject ? "object" : value.GetType().Name;
        string message = property is null
            ? Strings.Format("NoSuchProperty", kind, string.Join(", ", properties))
            : Strings.Format("PropertyWithoutValue", kind, property.Name);
        throw new ArgumentTransformationMetadataException(message, new PSInvalidCastException(message));
    }

    private static object? Unwrapped(object? value) => value is PSObject { BaseObject: { } inner and not PSCustomObject } ? inner : value;
}

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
