using RobustTrain.Platform;

namespace RobustTrain.Monitoring.Remote;

/// <summary>Tells from the OpenSSH client's last words why a connection failed.</summary>
internal static class SshFailure
{
    /// <summary>The error of a connection that has ended.</summary>
    /// <param name="host">The host, as the operator named it.</param>
    /// <param name="errors">The last lines of the client's standard error.</param>
    /// <param name="exitCode">The client's exit code; null where it did not end by itself.</param>
    /// <param name="known">The names in the operator's configuration.</param>
    public static MonitorException From(string host, IReadOnlyList<string> errors, int? exitCode, IEnumerable<string> known)
    {
        string all = string.Join('\n', errors);
        bool Says(string text) => all.Contains(text, StringComparison.OrdinalIgnoreCase);

        (string id, string text) = true switch
        {
            _ when Says("REMOTE HOST IDENTIFICATION HAS CHANGED") => ("HostKeyChanged", $"The host key of {host} has changed: either the host was set up anew (then remove the old key with ssh-keygen -R) or somebody stands in between."),
            _ when Says("Host key verification failed") || Says("host key is known for") => ("HostKeyUnknown", $"The host key of {host} is not known: connect once by hand with ssh and check its fingerprint."),
            _ when Says("Could not resolve hostname") => ("HostUnknown", $"The host {host} is not known.{NearestName.Hint(host, known)}"),
            _ when Says("Permission denied") || Says("Too many authentication failures") => ("SshKeyRefused", $"{host} accepted none of the keys: check the key and its agent with 'ssh -o BatchMode=yes {host} true'."),
            _ when Says("Connection refused") => ("ConnectionRefused", $"{host} refused the connection: no ssh server listens there."),
            _ when Says("timed out") || Says("not responding") => ("ConnectionTimedOut", $"{host} did not answer in time."),
            _ when Says("No route to host") || Says("Network is unreachable") => ("HostUnreachable", $"{host} cannot be reached: there is no route to it."),
            _ when Says("Bad configuration option") || Says("Bad owner or permissions") || Says("Can't open user config file") => ("SshConfigInvalid", $"ssh does not accept its configuration: {Last(errors)}"),
            _ when exitCode == 127 => ("RemoteShellNotFound", $"{host} has no shell 'sh': only Linux hosts can be watched."),
            _ when errors.Count > 0 => ("SshFailed", $"The connection to {host} ended: {Last(errors)}"),
            _ => ("ConnectionClosed", $"The connection to {host} was closed{(exitCode is { } code ? $" (exit code {code})" : "")}."),
        };
        return new MonitorException(id, text, host);
    }

    private static string Last(IReadOnlyList<string> errors) => errors.LastOrDefault(line => line.Trim().Length > 0)?.Trim() ?? "it said nothing";
}
