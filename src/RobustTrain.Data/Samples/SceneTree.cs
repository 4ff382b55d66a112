namespace RobustTrain.Data.Samples;

/// <summary>A tree.</summary>
/// <param name="X">The crown's centre, column.</param>
/// <param name="Y">The crown's centre, row.</param>
/// <param name="Radius">The crown's radius in pixels.</param>
/// <param name="IsEvergreen">Whether it keeps its colour over the seasons.</param>
/// <param name="Shade">Its own shade of the colour, about 1.</param>
internal readonly record struct SceneTree(float X, float Y, float Radius, bool IsEvergreen, float Shade);
