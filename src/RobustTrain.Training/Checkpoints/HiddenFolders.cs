using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Training.Checkpoints;

/// <summary>What lies beside a run's checkpoints and is none: the one that is being written, and what goes.</summary>
/// <param name="path">The folder of the checkpoints.</param>
internal sealed class HiddenFolders(string path)
{
    // Both begin with a dot: a reader never takes them for checkpoints.
    private const string TemporaryPrefix = ".writing-";
    private const string ReplacedPrefix = ".replaced-";

    /// <summary>Whether a folder among the checkpoints is none of them.</summary>
    public static bool IsHidden(string folder) => Path.GetFileName(folder).StartsWith('.');

    /// <summary>Where a checkpoint is while it is written.</summary>
    public string TemporaryOf(string target) => Path.Combine(path, TemporaryPrefix + Path.GetFileName(target));

    /// <summary>Makes an empty folder.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public void Begin(string temporary)
    {
        if (Directory.Exists(temporary))
            Directory.Delete(temporary, recursive: true);
        Directory.CreateDirectory(temporary);
    }

    /// <summary>Gives a folder that is written and flushed its name, in place of what has it.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    /// <remarks>Where the file system can't exchange two names, a crash between the two moves costs the checkpoint that had the name.</remarks>
    public void Show(string temporary, string target)
    {
        string replaced = temporary;
        if (!Directory.Exists(target))
        {
            Directory.Move(temporary, target);
        }
        else if (!DurableFile.TryExchangeFolders(temporary, target))
        {
            replaced = Hide(target);
            Directory.Move(temporary, target);
        }

        DurableFile.FlushFolder(path);
        if (Directory.Exists(replaced))
            Directory.Delete(replaced, recursive: true);
    }

    /// <summary>Deletes a checkpoint.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public void Delete(string folder) => Directory.Delete(Hide(folder), recursive: true);

    /// <summary>Deletes what an interrupted write or a replaced checkpoint left behind.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public void DeleteLeftovers()
    {
        if (!Directory.Exists(path))
            return;
        foreach (string leftover in Directory.EnumerateDirectories(path, ".*"))
        {
            string name = Path.GetFileName(leftover);
            if (name.StartsWith(TemporaryPrefix, StringComparison.Ordinal) || name.StartsWith(ReplacedPrefix, StringComparison.Ordinal))
                Directory.Delete(leftover, recursive: true);
        }
    }

    /// <summary>Deletes a folder, if the disk lets it.</summary>
    public static void DeleteQuietly(string folder)
    {
        try
        {
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
        }
        catch (IOException)
        {
            // The next clean-up takes it; the error worth telling is the one that led here.
        }
        catch (UnauthorizedAccessException)
        {
        }
    }

    // Out of sight under another name, so that a crash in the middle of what follows leaves no half of a checkpoint under its own.
    private string Hide(string folder)
    {
        string hidden = Path.Combine(path, ReplacedPrefix + Path.GetFileName(folder));
        if (Directory.Exists(hidden))
            Directory.Delete(hidden, recursive: true);
        Directory.Move(folder, hidden);
        return hidden;
    }
}
