using RobustTrain.Data.Datasets.AirChange;

namespace RobustTrain.SampleData;

/// <summary>A scene of the sample data is written.</summary>
/// <param name="Scene">Its name, as in <c>Szada/1</c>.</param>
/// <param name="Done">Scenes written so far.</param>
/// <param name="Total">Scenes in all.</param>
public readonly record struct SampleDatasetProgress(string Scene, int Done, int Total);
