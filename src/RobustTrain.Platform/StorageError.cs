namespace RobustTrain.Platform;

/// <summary>Tells apart what a disk may refuse, by the codes of the operating systems.</summary>
public static class StorageError
{
    // errno of Linux and macOS; Win32 codes as HRESULT.
    private const int PosixNoSpace = 28;
    private const int LinuxQuota = 122;
    private const int LinuxWouldBlock = 11;
    private const int MacWouldBlock = 35;
    private const int PosixReadOnly = 30;
    private const int WindowsDiskFull = unchecked((int)0x80070070);
    private const int WindowsHandleDiskFull = unchecked((int)0x80070027);
    private const int WindowsAccessDenied = unchecked((int)0x80070005);
    private const int WindowsSharingViolation = unchecked((int)0x80070020);
    private const int WindowsLockViolation = unchecked((int)0x80070021);
    private const int WindowsDeletePending = unchecked((int)0x8007012F);
    private const int WindowsMapped = unchecked((int)0x800704C8);

    /// <summary>Whether there is no space left, on the disk or in the quota.</summary>
    public static bool IsNoSpaceLeft(Exception exception) =>
        exception is IOException && exception.HResult is PosixNoSpace or LinuxQuota or WindowsDiskFull or WindowsHandleDiskFull;

    /// <summary>Whether another process holds the file.</summary>
    public static bool IsSharingViolation(IOException exception) =>
        exception.HResult == WindowsSharingViolation || IsWouldBlock(exception.HResult);

    /// <summary>
    /// Whether Windows refuses something because another process has the file open, or one in the folder, which mostly lasts a moment: a virus
    /// scanner, an indexer, a reader. It says that access is denied where the file to be replaced is open. Elsewhere an open file is in nobody's way.
    /// </summary>
    internal static bool IsHeldOpen(Exception exception) => OperatingSystem.IsWindows()
        && exception.HResult is WindowsAccessDenied or WindowsSharingViolation or WindowsLockViolation or WindowsDeletePending or WindowsMapped;

    /// <summary>Whether an error of POSIX says that another process holds a lock.</summary>
    internal static bool IsWouldBlock(int error) => error is LinuxWouldBlock or MacWouldBlock;

    /// <summary>What .NET throws where another process holds a file.</summary>
    public static IOException SharingViolation(string path) => new($"'{path}' is held by another process.", LinuxWouldBlock);

    /// <summary>The stable id of an error of the disk, or <paramref name="otherwise"/> where it has none of its own.</summary>
    public static string IdOf(Exception exception, string otherwise) => IsNoSpaceLeft(exception) ? "NoSpaceLeft" : otherwise;

    /// <summary>What happened, as the end of a sentence.</summary>
    public static string Describe(Exception exception) => exception switch
    {
        _ when IsNoSpaceLeft(exception) => "there is no space left on the disk.",
        IOException { HResult: PosixReadOnly } => "the disk is read-only.",
        UnauthorizedAccessException => "this user may not write there.",
        _ => exception.Message,
    };
}
