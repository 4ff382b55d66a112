using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using RobustTrain.Monitoring.Sources.Ssh;

namespace RobustTrain.Tests.Monitoring;

/// <summary>A real sshd on loopback, with keys and configuration of its own and host aliases in a client configuration.</summary>
internal sealed partial class SshServer : IDisposable
{
    private const string Program = "/usr/sbin/sshd";
    private readonly string folder = Directory.CreateTempSubdirectory("sshd").FullName;
    private Process server = null!;

    public SshServer(params string[] hosts)
    {
        // Where sshd runs as root it wants this folder, which its service would have made.
        if (Environment.IsPrivilegedProcess)
            Directory.CreateDirectory("/run/sshd");

        Run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", In("host_key"));
        Run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", In("user_key"));
        File.Copy(In("user_key.pub"), In("authorized_keys"));
        Port = FreePort();
        Bin = In("bin");
        Directory.CreateDirectory(Bin);
        File.WriteAllText(In("sshd_config"), $"""
            ListenAddress 127.0.0.1
            Port {Port}
            HostKey {In("host_key")}
            AuthorizedKeysFile {In("authorized_keys")}
            PidFile {In("sshd.pid")}
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            UsePAM no
            StrictModes no
            MaxStartups 500
            SetEnv PATH={Bin}:/usr/bin:/bin

            """);
        WriteConfig(hosts);
        Trust(In("host_key.pub"));
        Start();
    }

    /// <summary>Why this machine has no server to test with; null where it has one.</summary>
    public static string? Missing => File.Exists(Program) ? null : "sshd is not installed (Debian: openssh-server)";

    public int Port { get; }

    /// <summary>A folder at the head of the remote path, for programs like nvidia-smi.</summary>
    public string Bin { get; }

    public SshOptions Options => new() { ConfigPath = In("ssh_config") };

    public void Start()
    {
        server = Process.Start(new ProcessStartInfo(Program, ["-D", "-e", "-f", In("sshd_config")]) { RedirectStandardError = true })!;
        server.ErrorDataReceived += (_, _) => { };
        server.BeginErrorReadLine();
        if (!SpinWait.SpinUntil(Answers, TimeSpan.FromSeconds(20)))
            throw new InvalidOperationException("sshd does not answer.");
    }

    /// <summary>Kills the server and the processes of all its connections.</summary>
    public void Kill()
    {
        foreach (int process in Descendants(server.Id))
            _ = SendSignal(process, 9);

        server.Kill();
        server.WaitForExit();
    }

    /// <summary>Stops (19) or resumes (18) the server and the processes of all its connections, as a host that hangs would.</summary>
    public void Signal(int signal)
    {
        foreach (int process in Descendants(server.Id).Append(server.Id))
            _ = SendSignal(process, signal);
    }

    public void ForgetHostKey() => File.WriteAllText(In("known_hosts"), "");

    public void ChangeHostKey()
    {
        Run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", In("other_key"));
        Trust(In("other_key.pub"));
    }

    public void RefuseKey() => File.WriteAllText(In("authorized_keys"), "");

    /// <summary>Puts a program into the remote path.</summary>
    public void Install(string name, string script)
    {
        string path = Path.Combine(Bin, name);
        File.WriteAllText(path, script);
        Run("chmod", "+x", path);
    }

    public void Dispose()
    {
        Signal(18);
        Kill();
        server.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    public static IEnumerable<int> Descendants(int process)
    {
        foreach (string task in Tasks(process))
        {
            string path = Path.Combine(task, "children");
            string text;
            try
            {
                text = File.ReadAllText(path);
            }
            catch (IOException)
            {
                continue;
            }

            foreach (int child in text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse))
            {
                foreach (int below in Descendants(child))
                    yield return below;

                yield return child;
            }
        }
    }

    private static string[] Tasks(int process)
    {
        try
        {
            return Directory.GetDirectories($"/proc/{process}/task");
        }
        catch (IOException)
        {
            // It has ended, perhaps while its threads were listed.
            return [];
        }
    }

    private void WriteConfig(string[] hosts) => File.WriteAllText(In("ssh_config"), string.Concat(hosts.Select(host => $"Host {host}\n  HostName 127.0.0.1\n")) + $"""
        Host *
          Port {Port}
          IdentityFile {In("user_key")}
          IdentitiesOnly yes
          UserKnownHostsFile {In("known_hosts")}
          GlobalKnownHostsFile /dev/null
          StrictHostKeyChecking ask

        """);

    private void Trust(string publicKey) => File.WriteAllText(In("known_hosts"), $"[127.0.0.1]:{Port} {File.ReadAllText(publicKey)}");

    private bool Answers()
    {
        using var client = new TcpClient();
        try
        {
            client.Connect(IPAddress.Loopback, Port);
            return true;
        }
        catch (SocketException)
        {
            Thread.Sleep(20);
            return false;
        }
    }

    private string In(string name) => Path.Combine(folder, name);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static void Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} failed: {errors}");
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int process, int signal);
}
