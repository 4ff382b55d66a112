namespace TorchSharp.Utils;

/// <summary>Names a field otherwise than by its own name when its module registers it.</summary>
[AttributeUsage(AttributeTargets.Field)]
public class ComponentNameAttribute : Attribute
{
    public string Name { get; set; } = "";
}
