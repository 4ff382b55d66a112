namespace RobustTrain.Data;

/// <summary>One field of a batch: contiguous memory that is valid until the batch is disposed.</summary>
/// <param name="Name">The field's name.</param>
/// <param name="Type">The element type.</param>
/// <param name="Shape">The shape, the batch dimension first; row-major.</param>
/// <param name="Address">The address of the first element, aligned to 64 bytes.</param>
public readonly record struct BatchField(string Name, ElementType Type, IReadOnlyList<long> Shape, nint Address);
