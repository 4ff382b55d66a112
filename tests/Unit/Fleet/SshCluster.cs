using System.Diagnostics;
using RobustTrain.Fleet.State;

namespace RobustTrain.Tests.Fleet;

/// <summary>Hosts gpu01 to gpu03: network namespaces with names of their own, a cable to a switch each, and a real sshd.</summary>
/// <param name="folder">Where its keys and configurations stand.</param>
internal sealed class SshCluster(string folder) : FleetCluster(folder, Script)
{
    private const string Script = """
        mkdir -p /run/sshd
        ssh-keygen -q -t ed25519 -N '' -f host_key && ssh-keygen -q -t ed25519 -N '' -f user_key && cp user_key.pub authorized_keys || exit 1
        : > known_hosts; : > ssh_config
        for n in 1 2 3; do
          host=gpu0$n address=10.77.0.1$n
          cat > sshd_config.$n <<END
        ListenAddress $address
        Port 22
        HostKey $PWD/host_key
        AuthorizedKeysFile $PWD/authorized_keys
        PidFile none
        PasswordAuthentication no
        KbdInteractiveAuthentication no
        UsePAM no
        StrictModes no
        MaxStartups 500
        SetEnv PATH=$PATH DOTNET_ROOT=$DOTNET_ROOT DOTNET_EnableDiagnostics=0
        END
          unshare --net --uts sh -c 'hostname "$1"; ip link set lo up; echo $$ > "$1.pid"; until ip link show eth0 >/dev/null 2>&1; do sleep 0.05; done; ip addr add "$2/24" dev eth0; ip link set eth0 up; exec /usr/sbin/sshd -D -e -f "$PWD/sshd_config.$3"' sh $host $address $n 2>sshd.$n.log &
          until [ -s $host.pid ]; do sleep 0.05; done
          ip link add cable$n type veth peer name eth0 netns $(cat $host.pid) && ip link set cable$n master lan up || exit 1
          echo "$address $(cat host_key.pub)" >> known_hosts
          printf 'Host %s\n  HostName %s\n' $host $address >> ssh_config
        done
        printf 'Host *\n  User root\n  IdentityFile %s\n  IdentitiesOnly yes\n  UserKnownHostsFile %s\n  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n' "$PWD/user_key" "$PWD/known_hosts" >> ssh_config
        for n in 1 2 3; do until ssh -F ssh_config -o BatchMode=yes -o ConnectTimeout=5 gpu0$n true; do sleep 0.2; done; done
        """;

    /// <summary>Why this machine can have no such hosts; null where it can.</summary>
    public static string? Missing { get; } = FindMissing();

    public override string Options => $"--host gpu01 --host gpu02 --host gpu03 --ssh-config '{Path.Combine(Folder, "ssh_config")}' --gpu-source simulated:2 --host-lost-after 25";

    public override string HostOf(FleetStart start) => start.Host;

    public override void Unplug(string host) => Do($$"""
        ip link set cable{{host[^1]}} down; plug=$(readlink /proc/$(cat {{host}}.pid)/ns/net); for p in /proc/[0-9]*; do [ "$(readlink $p/ns/net)" = "$plug" ] && kill -9 ${p#/proc/}; done 2>/dev/null
        """);

    private static string? FindMissing()
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
            return "network namespaces need root on Linux";
        if (new[] { "/usr/sbin/sshd", "/usr/bin/ssh", "/usr/bin/unshare" }.FirstOrDefault(program => !File.Exists(program)) is { } missing)
            return $"{missing} is not installed";
        using Process tried = Process.Start(new ProcessStartInfo("unshare", ["--net", "--uts", "--pid", "--fork", "--mount-proc", "bash", "-c", "hostname x && ip link add lan type bridge && ip link add cable1 type veth peer name eth1"]) { RedirectStandardError = true })!;
        string reason = tried.StandardError.ReadToEnd();
        tried.WaitForExit();
        return tried.ExitCode == 0 ? null : $"this machine gives no network namespaces: {reason.Trim()}";
    }
}

/// <summary>A test that needs hosts of its own, and is skipped with the reason where they can't be made.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ClusterFactAttribute : FactAttribute
{
    public ClusterFactAttribute() => Skip = SshCluster.Missing;
}
