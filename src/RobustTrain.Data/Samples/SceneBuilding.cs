namespace RobustTrain.Data.Samples;

/// <summary>A building with a gable roof.</summary>
/// <param name="Area">Its walls.</param>
/// <param name="Roof">Its roof's colour, as an index into the painter's roofs.</param>
/// <param name="Height">In pixels of shadow at a sun of 45 degrees.</param>
internal readonly record struct SceneBuilding(Rectangle Area, int Roof, float Height);
