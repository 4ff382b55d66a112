namespace RobustTrain.Host.Errors;

/// <summary>
/// .NET's port for debuggers: three files in the temporary folder that the runtime makes at its start and takes away at its end, and that
/// a killed process therefore leaves for good. Nobody debugs a training that way, so they go at once.
/// </summary>
internal static class DiagnosticPort
{
    private static readonly string[] s_names = ["dotnet-diagnostic-{0}-*", "clr-debug-pipe-{0}-*"];

    /// <summary>Deletes this process's files, unless traces are asked for (<see cref="Failure.DebugVariable"/>).</summary>
    public static void Close()
    {
        if (OperatingSystem.IsWindows() || Environment.GetEnvironmentVariable(Failure.DebugVariable) == "1")
            return;
        try
        {
            foreach (string file in s_names.SelectMany(name => Directory.EnumerateFiles(Path.GetTempPath(), string.Format(null, name, Environment.ProcessId))))
                File.Delete(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A temporary folder that can't be read holds no reason not to train.
        }
    }
}
