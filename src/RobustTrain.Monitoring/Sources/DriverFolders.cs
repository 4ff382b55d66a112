namespace RobustTrain.Monitoring.Sources;

/// <summary>Where NVIDIA's driver puts its files on Windows.</summary>
internal static class DriverFolders
{
    /// <summary>A file of drivers that are older than those that use the system's own folder.</summary>
    public static string Old(string name) => Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ProgramFiles), "NVIDIA Corporation", "NVSMI", name);
}
