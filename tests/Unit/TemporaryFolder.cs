namespace RobustTrain.Tests;

/// <summary>A folder that goes with the test.</summary>
public sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("robusttrain-test-").FullName;

    public string At(params string[] parts) => System.IO.Path.Combine([Path, .. parts.Select(part => part.Replace('/', System.IO.Path.DirectorySeparatorChar))]);

    public string Write(string name, byte[] bytes)
    {
        string file = At(name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(file)!);
        File.WriteAllBytes(file, bytes);
        return file;
    }

    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (UnauthorizedAccessException) when (OperatingSystem.IsWindows())
        {
            // A library in it that this process has loaded stays until the process ends.
        }
    }
}
