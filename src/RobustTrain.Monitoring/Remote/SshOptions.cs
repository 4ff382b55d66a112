namespace RobustTrain.Monitoring.Remote;

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
    /// <exception cref="MonitorException">The name could be taken for an option.</exception>
    public IReadOnlyList<string> Arguments(string host, TimeSpan timeout)
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
            "--", host, "sh",
        ]);
        return arguments;
    }
}
