using System.Globalization;
using RobustTrain.Platform;

namespace RobustTrain.Host.Limits;

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
            string[] status = ReadLines(Path.Combine(process, "status"));
            if (FieldOf(status, "Uid:") == user)
                tasks += FieldOf(status, "Threads:") ?? 0;
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

    private static long? FieldOf(string[] status, string name) =>
        status.FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal)) is { } line
        && long.TryParse(line[name.Length..].Split('\t', ' ').FirstOrDefault(text => text.Length > 0), NumberStyles.None, CultureInfo.InvariantCulture, out long value)
            ? value
            : null;

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
