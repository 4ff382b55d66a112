namespace RobustTrain.Runs;

/// <summary>Paths to which something is going to be written.</summary>
public static class WritablePath
{
    // As OneDrive sets them for its user; the last two are a person's and an organisation's, where there are both.
    private static readonly string[] s_oneDrives = ["OneDrive", "OneDriveConsumer", "OneDriveCommercial"];

    /// <summary>The full path.</summary>
    /// <param name="path">The path as it was given: the full one that .NET makes of it has Windows' changes in it.</param>
    /// <exception cref="RunException">On Windows: a name in it is not allowed or would become another one, or its drive or share is not there.</exception>
    public static string Full(string path)
    {
        if (!OperatingSystem.IsWindows())
            return Path.GetFullPath(path);
        if (WindowsNames.FaultOf(path) is { } fault)
            throw Refusal("PathNotAllowed", $"The path '{path}' can't be used: {fault}.", path);
        string full = Path.GetFullPath(path);
        return MissingRootOf(full) is { } root ? throw Refusal("DriveNotFound", $"The path '{full}' can't be used: {Absence(root)}.", path) : full;
    }

    /// <summary>OneDrive's folder in which a path lies; null where it lies in none.</summary>
    public static string? OneDriveOf(string full) => s_oneDrives.Select(Environment.GetEnvironmentVariable)
        .FirstOrDefault(folder => folder is { Length: > 0 } && full.StartsWith(Path.TrimEndingDirectorySeparator(folder) + Path.DirectorySeparatorChar, StringComparison.OrdinalIgnoreCase));

    /// <summary>The drive (<c>X:\</c>) or the share (<c>\\server\share</c>) of a full path, where it is not there or does not answer; null where it is.</summary>
    internal static string? MissingRootOf(string full) => Path.GetPathRoot(full) is { Length: > 0 } root && !Directory.Exists(root) ? root : null;

    /// <summary>That a drive or a share is not there, as the end of a sentence.</summary>
    internal static string Absence(string root) => root.StartsWith(@"\\", StringComparison.Ordinal)
        ? $"the share '{root}' is not there, or can't be reached"
        : $"there is no drive '{root}'; the drives are {string.Join(", ", Directory.GetLogicalDrives())}";

    private static RunException Refusal(string errorId, string message, string path) => new(ExitCode.Configuration, errorId, message, path);
}

/// <summary>What Windows lets nobody call a file or a folder, or changes without a word.</summary>
internal static class WindowsNames
{
    private const string Forbidden = "<>:\"|?*";

    // Windows takes Latin-1's raised digits for 1, 2 and 3.
    private const string PortDigits = "0123456789\u00B9\u00B2\u00B3";

    /// <summary>What is wrong with a path's names, as the end of a sentence; null where nothing is, and for a path that Windows is to take as it is (<c>\\?\</c>).</summary>
    public static string? FaultOf(string path)
    {
        string plain = path.Replace('/', '\\');
        if (plain.StartsWith(@"\\?\", StringComparison.Ordinal))
            return null;
        if (plain.StartsWith(@"\\.\", StringComparison.Ordinal))
            return $"'{plain[4..]}' is a device";
        string names = plain.Length >= 2 && plain[1] == ':' && char.IsAsciiLetter(plain[0]) ? plain[2..] : plain;
        return names.Split('\\').Where(name => name is not ("" or "." or "..")).Select(FaultOfName).FirstOrDefault(fault => fault is not null);
    }

    private static string? FaultOfName(string name)
    {
        if (name.FirstOrDefault(letter => letter < ' ') is var control and not '\0')
            return $"it has the control character U+{(int)control:X4}, which Windows allows in no name";
        if (name.FirstOrDefault(letter => Forbidden.Contains(letter, StringComparison.Ordinal)) is var wrong and not '\0')
            return $"'{name}' has the character {wrong}, which Windows allows in no name";
        string stem = name.Split('.')[0].TrimEnd(' ');
        if (IsDevice(stem))
            return $"Windows keeps the name '{stem}' for a device";
        if (name[^1] is not ('.' or ' '))
            return null;
        string kept = name.TrimEnd('.', ' ');
        return $"Windows takes away the {(name[^1] == '.' ? "dot" : "space")} at the end of '{name}'{(kept.Length > 0 ? $", which leaves '{kept}'" : "")}";
    }

    private static bool IsDevice(string stem)
    {
        string name = stem.ToUpperInvariant();
        return name is "CON" or "PRN" or "AUX" or "NUL" or "CONIN$" or "CONOUT$"
            || (name.Length == 4 && name[..3] is ("COM" or "LPT") && PortDigits.Contains(name[3], StringComparison.Ordinal));
    }
}
