namespace RobustTrain.Data.Samples;

/// <summary>Built-up ground: paved, with buildings on it or none.</summary>
/// <param name="Area">The paved ground.</param>
/// <param name="Paving">Its paving, as an index into the painter's pavings.</param>
/// <param name="Buildings">The buildings on it.</param>
/// <param name="IsNew">Whether it is there at the second date only: a change.</param>
internal sealed record SceneLot(Rectangle Area, int Paving, IReadOnlyList<SceneBuilding> Buildings, bool IsNew);
