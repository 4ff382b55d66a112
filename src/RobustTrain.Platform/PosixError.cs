namespace RobustTrain.Platform;

/// <summary>Error numbers of system calls (errno), as far as they are the same on Linux and macOS.</summary>
public static class PosixError
{
    /// <summary>EPERM.</summary>
    public const int NotPermitted = 1;

    /// <summary>ENOENT.</summary>
    public const int NotFound = 2;

    /// <summary>ESRCH.</summary>
    public const int NoSuchProcess = 3;

    /// <summary>EINTR.</summary>
    public const int Interrupted = 4;

    /// <summary>ENXIO.</summary>
    public const int NoSuchDevice = 6;

    /// <summary>EACCES.</summary>
    public const int AccessDenied = 13;

    /// <summary>ENOTDIR.</summary>
    public const int NotAFolder = 20;

    /// <summary>EISDIR.</summary>
    public const int IsAFolder = 21;

    /// <summary>EINVAL.</summary>
    public const int InvalidArgument = 22;

    /// <summary>ESPIPE, which reading at a place says of a pipe.</summary>
    public const int NoPlaceInIt = 29;
}
