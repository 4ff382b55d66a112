using RobustTrain.Cmdlets.Resources;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Errors;

/// <summary>A path leads into a provider that is not the file system (a registry key, a variable).</summary>
public sealed class NotAFileSystemPathException(string path, string provider)
    : RunException(ExitCode.Configuration, "PathNotInFileSystem", Strings.Format("PathNotInFileSystem", path, provider), path);
