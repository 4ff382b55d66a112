namespace RobustTrain.Monitoring.Sources.Ssh;

/// <summary>How the OpenSSH client is called.</summary>
public sealed record SshOptions
{
    /// <summary>The client; found on the path.</summary>
    public string Program { get; init; } = "ssh";

    /// <summary>A configuration file in place of the operator's own; null for the operator's own.</summary>
    public string? ConfigPath { get; init; }

    /// <summary>The operator's configuration file.</summary>
    public static string OperatorConfigPath => Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".ssh", "config");

    /// <summary>The arguments of a connection that runs a shell without a terminal.</summary>
    /// <param name="host">The host.</param>
    /// <param name="timeout">How long it may take to connect, and a silent connection to be given up.</param>
    /// <param name="command">What the host runs: a word, or words that both kinds of Windows' shells and those of Linux read alike.</param>
    /// <exception cref="MonitorException">The name could be taken for an option.</exception>
    public IReadOnlyList<string> Arguments(string host, TimeSpan timeout, string command = "sh")
    {
        if (string.IsNullOrWhiteSpace(host) || host.StartsWith('-') || host.Any(char.IsControl))
            throw new MonitorException("HostNameInvalid", $"'{host}' is no name of a host.", host);
        int seconds = Math.Max(1, (int)Math.Ceiling(timeout.TotalSeconds));
        List<string> arguments = ConfigPath is null ? [] : ["-F", ConfigPath];

        // What the operator configured holds, host key checking included, but for what makes no sense without a terminal or would leave a
        // process behind: a connection of ours uses a master that is there, and never becomes one.
        arguments.AddRange(
        [
            "-T",
            "-o", "BatchMode=yes",
            "-o", $"ConnectTimeout={seconds}",
            "-o", $"ServerAliveInterval={seconds}",
            "-o", "ServerAliveCountMax=2",
            "-o", "ControlMaster=no",
            "-o", "ClearAllForwardings=yes",
            "-o", "PermitLocalCommand=no",
            "-o", "RemoteCommand=none",
            "--", host, command,
        ]);
        return arguments;
    }
}

/// <summary>The hosts that an OpenSSH configuration names: those after <c>Host</c> without patterns, of included files too.</summary>
public static class SshHostNames
{
    private const int DeepestInclude = 16;

    /// <summary>Reads the names, in the order of the file.</summary>
    /// <param name="configPath">The file; one that is not there names nothing.</param>
    public static IReadOnlyList<string> Read(string configPath)
    {
        var names = new List<string>();
        Read(configPath, names, 0);
        return [.. names.Distinct(StringComparer.Ordinal)];
    }

    private static void Read(string path, List<string> names, int depth)
    {
        if (depth > DeepestInclude || !File.Exists(path))
            return;
        foreach (string line in File.ReadLines(path))
        {
            string[] words = line.Split([' ', '\t', '='], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (words.Length < 2 || words[0].StartsWith('#'))
                continue;
            if (words[0].Equals("Host", StringComparison.OrdinalIgnoreCase))
                names.AddRange(words.Skip(1).Select(word => word.Trim('"')).Where(word => word.IndexOfAny(['*', '?', '!']) < 0));
            else if (words[0].Equals("Include", StringComparison.OrdinalIgnoreCase))
                words.Skip(1).SelectMany(pattern => Expand(pattern.Trim('"'), path)).ToList().ForEach(file => Read(file, names, depth + 1));
        }
    }

    private static IEnumerable<string> Expand(string pattern, string path)
    {
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        string full = pattern.StartsWith("~/", StringComparison.Ordinal) ? Path.Combine(home, pattern[2..])
            : Path.IsPathRooted(pattern) ? pattern
            : Path.Combine(Path.GetDirectoryName(path) ?? home, pattern);
        string? folder = Path.GetDirectoryName(full);
        return folder is not null && Directory.Exists(folder) ? Directory.EnumerateFiles(folder, Path.GetFileName(full)).Order(StringComparer.Ordinal) : [];
    }
}
