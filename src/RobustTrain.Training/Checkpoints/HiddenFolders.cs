using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Training.Checkpoints;

/// <summary>What lies beside a run's checkpoints and is none: the one that is being written, and what goes.</summary>
/// <param name="path">The folder of the checkpoints.</param>
internal sealed class HiddenFolders(string path)
{
    // Of smaller checkpoints the blocks are found and freed in no time.
    private const long ReusedBytes = 4 << 20;

    // Both begin with a dot: a reader never takes them for checkpoints.
    private const string TemporaryPrefix = ".writing-";
    private const string ReplacedPrefix = ".replaced-";

    // What went last, under its hidden name: the next one is written over its files.
    private string? _retired;

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

    /// <summary>Moves a file of the checkpoint that went last to where one of its name is about to be written, if nobody has it open.</summary>
    public void TryReuse(string name, string file)
    {
        if (_retired is not null)
            ReusableFile.TryMove(Path.Combine(_retired, name), file);
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

    /// <summary>Deletes a checkpoint, a large one only when the next has been written over its files.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public void Retire(Checkpoint checkpoint)
    {
        if (checkpoint.Bytes < ReusedBytes)
        {
            Delete(checkpoint.Path);
            return;
        }

        DeleteRetired();
        _retired = Hide(checkpoint.Path);
    }

    /// <summary>Deletes a checkpoint.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public void Delete(string folder) => Directory.Delete(Hide(folder), recursive: true);

    /// <summary>Deletes what is kept to be written over.</summary>
    public void DeleteRetired()
    {
        if (_retired is { } folder)
            DeleteQuietly(folder);
        _retired = null;
    }

    /// <summary>Deletes what an interrupted write or a replaced checkpoint left behind.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public void DeleteLeftovers()
    {
        if (!Directory.Exists(path))
            return;
        foreach (string leftover in Directory.EnumerateDirectories(path, ".*"))
        {
            string name = Path.GetFileName(leftover);
            if (leftover != _retired && (name.StartsWith(TemporaryPrefix, StringComparison.Ordinal) || name.StartsWith(ReplacedPrefix, StringComparison.Ordinal)))
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
