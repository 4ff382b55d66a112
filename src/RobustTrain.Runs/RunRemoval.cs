using RobustTrain.Platform;

namespace RobustTrain.Runs;

/// <summary>Removes runs that no process works on.</summary>
public static class RunRemoval
{
    /// <summary>Checks whether <see cref="Remove"/> would refuse, and removes nothing.</summary>
    /// <returns>The run's record.</returns>
    /// <exception cref="RunException">The folder holds no run, its record can't be read, or a process works on it.</exception>
    public static RunRecord Check(string path)
    {
        RunRecord record = RunFolder.ReadRecord(path);
        return record.ObservedState != RunState.Running
            ? record
            : throw InUse($"Process {record.Process.ProcessId} on {record.Process.Host}", path);
    }

    /// <summary>
    /// Removes a run. It goes under another name first, so that it is there whole or not at all, however long deleting takes; a link to a
    /// run goes with the run.
    /// </summary>
    /// <exception cref="RunException">As <see cref="Check"/>, or the disk refuses.</exception>
    public static void Remove(string path)
    {
        path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        string real = Directory.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        Check(real);
        try
        {
            string condemned = $"{real}.{Environment.ProcessId}{DurableFile.TemporarySuffix}";
            TakeAway(real, condemned);
            Directory.Delete(condemned, recursive: true);
            if (real != path)
                Directory.Delete(path);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new RunException(ExitCode.Unexpected, "RunNotRemoved", $"The run '{path}' could not be removed: {StorageError.Describe(refused).TrimEnd('.')}.", path, refused);
        }
    }

    // Whoever holds the lock works on the run, whatever its record says. Windows renames no folder in which a file is open.
    private static void TakeAway(string path, string condemned)
    {
        RunLock held;
        try
        {
            held = RunLock.Take(Path.Combine(path, "lock"), mustBeNew: false);
        }
        catch (IOException refused) when (StorageError.IsSharingViolation(refused))
        {
            throw InUse("Another process", path);
        }

        using (held)
        {
            Check(path);
            if (!OperatingSystem.IsWindows())
                Directory.Move(path, condemned);
        }

        if (OperatingSystem.IsWindows())
            Directory.Move(path, condemned);
    }

    private static RunException InUse(string holder, string path) =>
        new(ExitCode.Configuration, "RunInUse", $"{holder} works on the run at '{path}'; a run is removed only when it has ended.", path);
}
