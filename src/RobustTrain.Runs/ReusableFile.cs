using Microsoft.Win32.SafeHandles;
using RobustTrain.Runs.Interop;

namespace RobustTrain.Runs;

/// <summary>A file that nobody needs any longer, and another one may be written over: so a disk need not free its blocks and find as many others.</summary>
public static class ReusableFile
{
    /// <summary>
    /// Gives a file the name of the one that is to be written over it. Where somebody has it open, or that can't be told, it is deleted:
    /// whoever reads a file that is deleted meanwhile reads it whole, and so it must be with this one.
    /// </summary>
    /// <param name="file">The file.</param>
    /// <param name="target">Its new name, on the same file system.</param>
    /// <returns>Whether it has the new name.</returns>
    /// <exception cref="UnauthorizedAccessException">The file, or the new one's folder, may not be written to.</exception>
    public static bool TryMove(string file, string target)
    {
        try
        {
            if (!File.Exists(file))
                return false;

            // Under its new name nobody looks for it: who has not opened it by then never will.
            File.Move(file, target);
            if (IsOpenNowhere(target))
                return true;
            File.Delete(target);
            return false;
        }
        catch (IOException)
        {
            // Then it stays where it is, and goes with its folder; a disk that refuses all says so when the new file is written.
            return false;
        }
    }

    private static bool IsOpenNowhere(string file)
    {
        try
        {
            using SafeFileHandle handle = File.OpenHandle(file, FileMode.Open, FileAccess.Write, FileShare.None);
            return OperatingSystem.IsWindows() || (OperatingSystem.IsLinux() && PosixFile.IsOpenOnlyHere(handle));
        }
        catch (IOException)
        {
            return false;
        }
    }
}
