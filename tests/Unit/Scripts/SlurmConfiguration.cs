using System.Net;
using System.Net.Sockets;

namespace RobustTrain.Tests.Scripts;

/// <summary>The configuration of a Slurm of a test's own: its controller and its nodes are this machine, and it keeps no accounts.</summary>
/// <remarks>
/// Without munge: who asks is not checked, on ports that only this machine knows. A job that is queued again starts once its credential has expired:
/// after half a minute. The other times are for a machine that is busy.
/// </remarks>
internal static class SlurmConfiguration
{
    private static readonly string[] s_devices = ["/dev/zero", "/dev/full"];

    /// <summary>The names of so many nodes.</summary>
    public static IEnumerable<string> NamesOf(int nodes) => Enumerable.Range(1, nodes).Select(node => $"n{node}");

    /// <summary>Writes it.</summary>
    /// <param name="folder">Where it, states, pids and logs stand.</param>
    /// <param name="nodes">How many nodes there are.</param>
    /// <param name="cpus">The processors of each.</param>
    /// <param name="gpus">The GPUs of each, at most two, which are GPUs by this file alone.</param>
    /// <returns>The file, for SLURM_CONF.</returns>
    public static string Write(string folder, int nodes, int cpus, int gpus = 0)
    {
        string host = Environment.MachineName;
        string file = Path.Combine(folder, "slurm.conf");
        foreach (string own in NamesOf(nodes).Append("state"))
            Directory.CreateDirectory(Path.Combine(folder, own));
        File.WriteAllText(file, $"""
            ClusterName=proof
            SlurmctldHost={host}(127.0.0.1)
            SlurmUser=root
            AuthType=auth/none
            AuthInfo=cred_expire=30
            CredType=cred/none
            SlurmctldPort={FreePort()}
            ProctrackType=proctrack/linuxproc
            TaskPlugin=task/none
            SelectType=select/cons_tres
            SelectTypeParameters=CR_CPU
            PreemptType=preempt/partition_prio
            PreemptMode=REQUEUE
            StateSaveLocation={folder}/state
            SlurmdSpoolDir={folder}/%n
            SlurmctldPidFile={folder}/slurmctld.pid
            SlurmdPidFile={folder}/slurmd-%n.pid
            SlurmctldLogFile={folder}/slurmctld.log
            SlurmdLogFile={folder}/slurmd-%n.log
            MessageTimeout=60
            BatchStartTimeout=120
            KillWait=300
            ReturnToService=2
            {(gpus == 0 ? "" : "GresTypes=gpu")}
            {string.Join('\n', NamesOf(nodes).Select(node => $"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={FreePort()} CPUs={cpus} {(gpus == 0 ? "" : $"Gres=gpu:{gpus}")} State=UNKNOWN"))}
            PartitionName=low Nodes=ALL Default=YES PriorityTier=1 State=UP
            PartitionName=high Nodes=ALL PriorityTier=2 PreemptMode=OFF State=UP

            """);

        // Slurm counts devices; which ones they are it does not ask.
        File.WriteAllLines(Path.Combine(folder, "gres.conf"), s_devices.Take(gpus).Select(device => $"Name=gpu File={device}"));
        return file;
    }

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
