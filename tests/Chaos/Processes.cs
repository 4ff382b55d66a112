using System.Globalization;
using System.Runtime.Versioning;
using RobustTrain.Platform;

namespace RobustTrain.Chaos;

/// <summary>Looks at the system's processes.</summary>
internal static class Processes
{
    /// <summary>The living children of a process that have a word in their command line.</summary>
    public static IReadOnlyList<int> ChildrenOf(int parent, string word) => OperatingSystem.IsWindows()
        ? ChildrenOnWindows(parent, word)
        : [.. All().Where(id => StatusOf(id) is { } status && status.Parent == parent && TryRead(id, "cmdline").Contains(word, StringComparison.Ordinal))];

    /// <summary>The living processes in whose environment a text stands, a mark that children inherit; on Windows those of the trainers' job, which children are in too.</summary>
    public static IReadOnlyList<int> Marked(string mark) => OperatingSystem.IsWindows()
        ? TrainerProcess.Job.Value.ProcessIds()
        : [.. All().Where(id => id != Environment.ProcessId && StatusOf(id) is not null && TryRead(id, "environ").Contains(mark, StringComparison.Ordinal))];

    /// <summary>Whether a process is there and no mere entry of one that has ended.</summary>
    public static bool IsAlive(int id) => StatusOf(id) is not null;

    /// <summary>A process's command line; empty where it has ended.</summary>
    public static string CommandOf(int id) => TryRead(id, "cmdline").Replace('\0', ' ').Trim();

    /// <summary>Which rank of a training a process is; null where it is none.</summary>
    public static int? RankOf(int id)
    {
        const string variable = "PMI_RANK=";
        string[] command = TryRead(id, "cmdline").Split('\0');
        return command.Length > 1 && command[1] == "train" && TryRead(id, "environ").Split('\0').FirstOrDefault(each => each.StartsWith(variable, StringComparison.Ordinal)) is { } rank
            ? int.Parse(rank[variable.Length..], CultureInfo.InvariantCulture)
            : null;
    }

    /// <summary>The living ranks of a run.</summary>
    public static IReadOnlyList<int> RanksOf(string runPath) =>
        [.. All().Where(id => TryRead(id, "cmdline").Contains(runPath, StringComparison.Ordinal) && RankOf(id) is not null && StatusOf(id) is not null)];

    [SupportedOSPlatform("windows")]
    private static int[] ChildrenOnWindows(int parent, string word) =>
        [.. WindowsProcesses.List().Where(process => process.ParentId == parent && WindowsProcesses.CommandOf(process.Id)?.Contains(word, StringComparison.Ordinal) == true).Select(process => process.Id)];

    private static IEnumerable<int> All() => Directory.EnumerateDirectories("/proc")
        .Select(folder => int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int id) ? id : 0)
        .Where(id => id > 0);

    // proc(5): "pid (name) state ppid …", where the name may hold anything; null for those that have ended.
    private static (string State, int Parent)? StatusOf(int id)
    {
        string stat = TryRead(id, "stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length < 2 || fields[0] is "Z" or "X" ? null : (fields[0], int.Parse(fields[1], CultureInfo.InvariantCulture));
    }

    private static string TryRead(int id, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/{file}");
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
