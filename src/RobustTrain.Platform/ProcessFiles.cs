using System.Globalization;

namespace RobustTrain.Platform;

/// <summary>What Linux's <c>/proc</c> tells of a process (proc(5)).</summary>
public static class ProcessFiles
{
    private const string Root = "/proc";

    /// <summary>The fields of a process's <c>stat</c> from its state on, which is the third of the manual's; null where the process is gone.</summary>
    public static string[]? StatOf(int process)
    {
        // In a PID namespace whose /proc is the outer one's, this process' own id names another process there, or none; "self" is right.
        string name = process == Environment.ProcessId ? "self" : process.ToString(CultureInfo.InvariantCulture);
        try
        {
            // "pid (comm) state ...", of which comm may hold spaces and brackets.
            string stat = File.ReadAllText($"{Root}/{name}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>A field of a process's <c>status</c> that is a number of kilobytes, as <c>VmRSS</c>; null where the process is gone or has no such field.</summary>
    public static long? KilobytesOf(int process, string field) => NumberOf(string.Create(CultureInfo.InvariantCulture, $"{Root}/{process}"), field);

    /// <summary>The first number of a field of <c>status</c>; null where the process is gone or has no such field.</summary>
    /// <param name="folder">The process's folder in <c>/proc</c>.</param>
    /// <param name="field">The field's name.</param>
    public static long? NumberOf(string folder, string field) =>
        TextOf(folder, field)?.Split('\t', ' ').FirstOrDefault(text => text.Length > 0) is { } number && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value : null;

    /// <summary>The processes of this machine that were started with two arguments one after the other, as an option and its value; none where the system does not tell.</summary>
    public static IReadOnlyList<int> WithArguments(string option, string value)
    {
        List<int> found = [];
        foreach (string folder in Directory.Exists(Root) ? Directory.EnumerateDirectories(Root) : [])
        {
            if (!int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int process))
                continue;
            try
            {
                string[] arguments = File.ReadAllText($"{folder}/cmdline").Split('\0');
                if (arguments.Zip(arguments.Skip(1)).Contains((option, value)))
                    found.Add(process);
            }
            catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
            {
                // It has ended meanwhile, or is nobody else's to read.
            }
        }

        return found;
    }

    /// <summary>What follows a field's name in <c>status</c>; null where the process is gone or has no such field.</summary>
    internal static string? TextOf(string folder, string field)
    {
        try
        {
            return File.ReadLines($"{folder}/status").FirstOrDefault(line => line.StartsWith($"{field}:", StringComparison.Ordinal))?[(field.Length + 1)..].Trim();
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
