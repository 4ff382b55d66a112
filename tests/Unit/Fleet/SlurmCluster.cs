using RobustTrain.Fleet.State;
using RobustTrain.Tests.Scripts;

namespace RobustTrain.Tests.Fleet;

/// <summary>A Slurm with the nodes n1 to n3, which have two GPUs each by its configuration.</summary>
/// <param name="folder">Where its configuration, states and logs stand.</param>
internal sealed class SlurmCluster(string folder) : FleetCluster(folder, ScriptOf(folder))
{
    private const int Nodes = 3;

    public override string Options => "--scheduler slurm";

    public override string HostOf(FleetStart start) => Do($"squeue --noheader --jobs={start.Handle!.Job} --format=%N").Output;

    // Slurm itself would take its five minutes to find out.
    public override void Unplug(string host) => Do($$"""
        kill -9 $(cat slurmd-{{host}}.pid); for job in $(squeue --noheader --nodelist={{host}} --format=%i); do for step in $(pgrep -f "^slurmstepd: \[$job[.]"); do kill -9 $step $(pgrep -P $step); done; done; scontrol update NodeName={{host}} State=DOWN Reason=died
        """);

    private static string ScriptOf(string folder) => $$"""
        export SLURM_CONF={{SlurmConfiguration.Write(folder, Nodes, cpus: 2, gpus: 2)}}
        slurmctld -D -i >/dev/null 2>&1 &
        for n in {{string.Join(' ', SlurmConfiguration.NamesOf(Nodes))}}; do slurmd -D -N $n >/dev/null 2>&1 & done
        until [ "$(sinfo --noheader --Node --partition=low --format=%T 2>/dev/null | sort | uniq -c | xargs)" = "{{Nodes}} idle" ]; do sleep 0.2; done
        """;
}
