using System.Diagnostics;
using System.Globalization;

namespace RobustTrain.Chaos;

/// <summary>
/// Hosts host1, host2, ... on this machine: each a network namespace with a name, an address and an sshd of its own, and a cable to a switch, on which
/// this process is too. Needs namespaces that nobody else is in (<see cref="OwnHosts"/>).
/// </summary>
internal sealed class RankHosts
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly string _folder;
    private readonly Dictionary<string, int> _sshd = [];

    /// <summary>Makes them.</summary>
    /// <param name="folder">A folder for keys and configurations.</param>
    /// <param name="count">How many.</param>
    public RankHosts(string folder, int count)
    {
        _folder = Directory.CreateDirectory(folder).FullName;
        Names = [.. Enumerable.Range(1, count).Select(number => string.Create(CultureInfo.InvariantCulture, $"host{number}"))];
        File.WriteAllLines("/etc/hosts", [.. Names.Select(host => $"{AddressOf(host)} {host}"), "127.0.0.1 localhost", $"{OwnHosts.HeadAddress} {Environment.MachineName}"]);
        Do("ip", "link", "add", "lan", "type", "bridge");
        Do("ip", "addr", "add", $"{OwnHosts.HeadAddress}/24", "dev", "lan");
        Do("ip", "link", "set", "lan", "up");
        Do("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", PathOf("host_key"));
        Do("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", PathOf("user_key"));
        File.WriteAllLines(PathOf("known_hosts"), Names.Select(host => $"{host},{AddressOf(host)} {File.ReadAllText(PathOf("host_key.pub")).Trim()}"));
        File.WriteAllText(PathOf("ssh_config"), $"""
            User root
            IdentityFile {PathOf("user_key")}
            IdentitiesOnly yes
            UserKnownHostsFile {PathOf("known_hosts")}
            GlobalKnownHostsFile /dev/null
            StrictHostKeyChecking yes
            """);
        Ssh = PathOf("ssh");
        File.WriteAllText(Ssh, $"#!/bin/sh\nexec /usr/bin/ssh -F '{PathOf("ssh_config")}' \"$@\"\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(Ssh, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        foreach (string host in Names)
        {
            Do("ip", "netns", "add", host);
            Do("ip", "link", "add", CableOf(host), "type", "veth", "peer", "name", "eth0", "netns", host);
            Do("ip", "link", "set", CableOf(host), "master", "lan");
            Do("ip", "-n", host, "addr", "add", $"{AddressOf(host)}/24", "dev", "eth0");
            Do("ip", "-n", host, "link", "set", "eth0", "up");
            Do("ip", "-n", host, "link", "set", "lo", "up");
            PutPowerOn(host);
        }
    }

    /// <summary>Their names.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>What calls ssh with their keys.</summary>
    public string Ssh { get; }

    /// <summary>Pulls a host's cable.</summary>
    public void PullCable(string host) => Do("ip", "link", "set", CableOf(host), "down");

    /// <summary>Puts it back.</summary>
    public void PutCable(string host) => Do("ip", "link", "set", CableOf(host), "up");

    /// <summary>Takes a host's power: nobody hears of it any more, and all of its processes are gone.</summary>
    public void TakePower(string host)
    {
        PullCable(host);

        // One may have been started meanwhile by another.
        while (ProcessesOn(host) is { Count: > 0 } left)
        {
            foreach (int process in left)
                Signals.Send(process, Signals.Kill);
        }
    }

    /// <summary>Gives it back; returns once the host takes connections.</summary>
    public void PutPowerOn(string host)
    {
        PutCable(host);
        File.WriteAllText(PathOf($"sshd_config.{host}"), $"""
            ListenAddress {AddressOf(host)}
            HostKey {PathOf("host_key")}
            AuthorizedKeysFile {PathOf("user_key.pub")}
            PidFile none
            PermitRootLogin yes
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            UsePAM no
            StrictModes no
            MaxStartups 500
            """);
        Do("ip", "netns", "exec", host, "unshare", "--uts", "sh", "-c", "hostname \"$0\" && /usr/sbin/sshd -f \"$1\"", host, PathOf($"sshd_config.{host}"));
        _sshd[host] = ProcessesOn(host)[0];
        for (long began = Stopwatch.GetTimestamp(); Run(Ssh, ["-o", "BatchMode=yes", "-o", "ConnectTimeout=5", host, "true"]).Code != 0; Thread.Sleep(100))
        {
            if (Stopwatch.GetElapsedTime(began) > s_patience)
                throw new TimeoutException($"{host} took no connection for {s_patience.TotalSeconds:0} s.");
        }
    }

    /// <summary>Sends a signal to all processes of a host.</summary>
    public void Signal(string host, int signal)
    {
        foreach (int process in ProcessesOn(host))
            Signals.Send(process, signal);
    }

    /// <summary>The living processes of a host.</summary>
    public IReadOnlyList<int> ProcessesOn(string host) =>
        [.. Run("ip", ["netns", "pids", host]).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => int.Parse(line, CultureInfo.InvariantCulture)).Where(Processes.IsAlive).Order()];

    /// <summary>The processes of a host that are not its own.</summary>
    public IReadOnlyList<int> GuestsOn(string host) => [.. ProcessesOn(host).Where(process => process != _sshd[host])];

    private static string CableOf(string host) => $"cable-{host}";

    private static string AddressOf(string host) => $"10.78.0.1{host[^1]}";

    private string PathOf(string name) => Path.Combine(_folder, name);

    private static void Do(string program, params string[] arguments)
    {
        (int code, string output) = Run(program, arguments);
        if (code != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {code}: {output.Trim()}");
    }

    private static (int Code, string Output) Run(string program, IReadOnlyList<string> arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        process.StandardInput.Close();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, process.ExitCode == 0 ? output : output + errors.Result);
    }
}
