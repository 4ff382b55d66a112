using System.Globalization;
using System.Text;
using RobustTrain.Data;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Host.Limits;

/// <summary>
/// Holds what the work needs against what the system gives, before anything is created. Later, such a limit would appear as a lack of memory,
/// a missing library or a broken file.
/// </summary>
/// <remarks>
/// Locked memory and the size of <c>/dev/shm</c> limit nothing here: no page is locked, and the workers' ring is memory without a name.
/// </remarks>
internal sealed class SystemLimits
{
    // Measured for a training on the CPU: 115 descriptors, and 4 for each worker that is a process; CUDA's own are allowed for.
    private const int BaseDescriptors = 224;
    private const int DescriptorsOfProcessWorker = 8;

    // .NET's, torch's pool and the loader's own threads; a worker that is a process has up to 6.
    private const int BaseThreads = 32;
    private const int ThreadsOfProcessWorker = 6;

    // A validation's loader is there beside the training's.
    private const int Loaders = 2;

    /// <summary>The descriptors that this process may have; null for any number.</summary>
    public ulong? Descriptors { get; init; }

    /// <summary>The limits of processes and threads, with how many there are.</summary>
    public IReadOnlyList<TaskLimit> Tasks { get; init; } = [];

    /// <summary>This machine's.</summary>
    public static SystemLimits OfThisProcess() => !OperatingSystem.IsLinux() ? new SystemLimits() : new SystemLimits
    {
        Descriptors = ResourceLimit.OfDescriptors(),
        Tasks = [.. TaskLimit.OfUser(), .. TaskLimit.OfControlGroups()],
    };

    /// <summary>Checks that a loader's workers, and torch's threads beside them, can be had.</summary>
    /// <param name="kind">The kind of workers.</param>
    /// <param name="workers">How many there may be at once; null for as many as there are processors.</param>
    /// <param name="threads">The threads of an operator; null for as many as there are processors.</param>
    /// <exception cref="RunException">A limit is too low.</exception>
    public void Check(WorkerKind kind, int? workers, int? threads)
    {
        int most = workers ?? Environment.ProcessorCount;
        bool areProcesses = kind == WorkerKind.Process;
        string loader = Counted.Of(most, $"{kind.ToString().ToLowerInvariant()} worker");
        ulong descriptors = (ulong)(BaseDescriptors + (areProcesses ? Loaders * most * DescriptorsOfProcessWorker : 0));
        if (Descriptors < descriptors)
            throw Refusal($"The limit of open files (ulimit -n) is {Descriptors}, but {descriptors} are needed with {loader}: raise it, in a service by LimitNOFILE{Fewer(areProcesses && most > 0)}.");

        int tasks = BaseThreads + (threads ?? Environment.ProcessorCount) + (Loaders * most * (areProcesses ? ThreadsOfProcessWorker : 1));
        foreach (TaskLimit limit in Tasks.Where(limit => limit.Left < tasks))
            throw Refusal($"The limit of processes and threads ({limit.Name}) is {limit.Limit}, of which {limit.InUse} are in use, but {tasks} more are needed with {loader}: raise it, in a service by TasksMax or LimitNPROC{Fewer(most > 0)}.");
    }

    /// <inheritdoc cref="Check(WorkerKind, int?, int?)"/>
    public void Check(TrainingConfig config) =>
        Check(config.Loader.WorkerKind, config.Loader.NumWorkers, config.Threads);

    /// <summary>The limit that is used up at this moment, in a sentence; null where there is none.</summary>
    public string? Exhausted()
    {
        if (Descriptors is { } limit && OpenDescriptors() is var open && (ulong)open + 1 >= limit)
            return $"The limit of open files (ulimit -n), {limit}, is used up: raise it, in a service by LimitNOFILE.";
        return Tasks.Where(tasks => tasks.Left <= 1)
            .Select(tasks => $"The limit of processes and threads ({tasks.Name}), {tasks.Limit}, is used up: raise it, in a service by TasksMax or LimitNPROC.")
            .FirstOrDefault();
    }

    private static string Fewer(bool canBeFewer) => canBeFewer ? ", or take fewer workers (loader.num_workers)" : "";

    // Where none is left, the folder that lists them can't be opened either.
    private static int OpenDescriptors()
    {
        try
        {
            return Directory.EnumerateFileSystemEntries("/proc/self/fd").Count();
        }
        catch (IOException)
        {
            return int.MaxValue;
        }
    }

    private static RunException Refusal(string message) => new(ExitCode.Configuration, "LimitTooLow", message);
}

/// <summary>One of the limits of processes and threads.</summary>
/// <param name="Name">What an operator knows it by.</param>
/// <param name="Limit">How many there may be.</param>
/// <param name="InUse">How many there are.</param>
internal sealed record TaskLimit(string Name, long Limit, long InUse)
{
    /// <summary>How many more there may be.</summary>
    public long Left => Limit - InUse;

    /// <summary>The limit of this user on this machine, if there is one.</summary>
    public static IEnumerable<TaskLimit> OfUser()
    {
        // The kernel lets root have as many as it wants.
        uint user = ThisProcess.UserId;
        return user != 0 && ResourceLimit.OfProcesses() is { } limit and <= int.MaxValue
            ? [new TaskLimit("ulimit -u", (long)limit, TasksOf("/proc", user))]
            : [];
    }

    /// <summary>The limits of the control groups that this process is in, as containers and services have them.</summary>
    public static IEnumerable<TaskLimit> OfControlGroups() => OfControlGroups("/proc/self/cgroup", "/sys/fs/cgroup");

    /// <summary>The threads of a user's processes.</summary>
    /// <param name="root">Where the kernel lists processes (proc(5)).</param>
    /// <param name="user">The real user's id.</param>
    internal static long TasksOf(string root, uint user)
    {
        long tasks = 0;
        foreach (string process in Directory.EnumerateDirectories(root).Where(folder => char.IsAsciiDigit(Path.GetFileName(folder)[0])))
        {
            if (ProcessFiles.NumberOf(process, "Uid") == user)
                tasks += ProcessFiles.NumberOf(process, "Threads") ?? 0;
        }

        return tasks;
    }

    /// <summary>The limits of control groups and of those that they are in, of version 2 and of version 1 (cgroups(7)).</summary>
    /// <param name="membership">The file that lists a process's groups.</param>
    /// <param name="root">Where the groups' folders are.</param>
    internal static IEnumerable<TaskLimit> OfControlGroups(string membership, string root)
    {
        foreach (string[] group in ReadLines(membership).Select(line => line.Split(':', 3)).Where(group => group.Length == 3))
        {
            string? top = group[1] switch
            {
                "" => root,
                "pids" => Path.Combine(root, "pids"),
                _ => null,
            };
            if (top is null)
                continue;
            for (string path = group[2].Trim('/'); ; path = Path.GetDirectoryName(path) ?? "")
            {
                string folder = Path.Combine(top, path);
                if (NumberIn(Path.Combine(folder, "pids.max")) is { } limit && NumberIn(Path.Combine(folder, "pids.current")) is { } inUse)
                    yield return new TaskLimit($"pids.max of {folder}", limit, inUse);
                if (path.Length == 0)
                    break;
            }
        }
    }

    // "max" is no number, and no limit.
    private static long? NumberIn(string file) =>
        long.TryParse(ReadLines(file).FirstOrDefault(), NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;

    // A process may end, and a system may have no such file.
    private static string[] ReadLines(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}

/// <summary>
/// The first check of all: with too few descriptors not even this program's own libraries can be loaded, and .NET blames whichever
/// comes first. It uses none of them.
/// </summary>
internal static class DescriptorFloor
{
    // Libraries, their native parts and standard streams of the smallest command; measured: 80.
    private const ulong Least = 128;

    /// <summary>Whether there are enough descriptors to begin with; where not, standard error says so.</summary>
    public static bool IsReached()
    {
        if (!OperatingSystem.IsLinux() || ResourceLimit.OfDescriptors() is not { } limit || limit >= Least)
            return true;
        ThisProcess.WriteError(Encoding.UTF8.GetBytes($"robusttrain: The limit of open files (ulimit -n) is {limit}, but at least {Least} are needed, and more to train: raise it, in a service by LimitNOFILE.\n"));
        return false;
    }
}
