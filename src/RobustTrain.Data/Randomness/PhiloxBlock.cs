namespace RobustTrain.Data.Randomness;

/// <summary>128 random bits, as four words.</summary>
public readonly record struct PhiloxBlock(uint Word0, uint Word1, uint Word2, uint Word3);
