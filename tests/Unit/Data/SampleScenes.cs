using RobustTrain.SampleData;

namespace RobustTrain.Tests.Data;

/// <summary>Sample data, made once for all tests that read it.</summary>
public sealed class SampleScenes : IDisposable
{
    public SampleScenes() => SampleDatasetGenerator.Write(new SampleDatasetOptions { Path = Path, Seed = 0 });

    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"robusttrain-samples-{Guid.NewGuid():N}");

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
