using System.Collections;
using System.Globalization;
using RobustTrain.Runs;

namespace RobustTrain.Training.Distributed.Joining;

/// <summary>What launchers tell a process of the ranks that it is one of, by environment variables.</summary>
/// <param name="Rank">This rank.</param>
/// <param name="Size">All ranks.</param>
public sealed record RankEnvironment(int Rank, int Size)
{
    /// <summary>Where the hub of our own launcher listens, separated by commas.</summary>
    public const string HubVariable = "ROBUSTTRAIN_RANK_HUB";

    /// <summary>The token of the run, by which our own launcher knows its ranks.</summary>
    public const string TokenVariable = "ROBUSTTRAIN_RANK_TOKEN";

    /// <summary>The host of our own launcher, and those of all ranks, separated by commas.</summary>
    public const string HostsVariable = "ROBUSTTRAIN_RANK_HOSTS";

    /// <summary>The rank's number on its host; null where the launcher does not tell.</summary>
    public int? LocalRank { get; init; }

    /// <summary>The ranks on this host; null where the launcher does not tell.</summary>
    public int? LocalSize { get; init; }

    /// <summary>This rank's host, as the operator calls it.</summary>
    public required string Host { get; init; }

    /// <summary>The hub of our own launcher; null where the ranks were started by another.</summary>
    public LauncherHub? Launcher { get; init; }

    /// <summary>What this process's environment says.</summary>
    /// <returns>Null where this process is no rank of several.</returns>
    /// <exception cref="RunException">A launcher whose ranks can't be joined has started this.</exception>
    public static RankEnvironment? Find() => Find(Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value ?? ""));

    /// <summary>What an environment says.</summary>
    /// <param name="variables">The variables.</param>
    /// <inheritdoc cref="Find()"/>
    internal static RankEnvironment? Find(IReadOnlyDictionary<string, string> variables)
    {
        // MPICH's mpiexec and its relatives, Microsoft's, and srun --mpi=pmi2.
        if (Number("PMI_SIZE") is { } size && Number("PMI_RANK") is { } rank)
        {
            string[] hosts = variables.GetValueOrDefault(HostsVariable, "").Split(',', StringSplitOptions.RemoveEmptyEntries);
            bool isOurs = hosts.Length == size + 1 && variables.ContainsKey(HubVariable) && variables.ContainsKey(TokenVariable);
            return size == 1 && !isOurs ? null : new RankEnvironment(rank, size)
            {
                LocalRank = Number("MPI_LOCALRANKID") ?? Number("SLURM_LOCALID"),
                LocalSize = Number("MPI_LOCALNRANKS"),
                Host = isOurs ? hosts[rank + 1] : variables.GetValueOrDefault("SLURMD_NODENAME", Environment.MachineName),
                Launcher = isOurs ? new LauncherHub(variables[HubVariable].Split(','), variables[TokenVariable], hosts[0]) : null,
            };
        }

        if (Number("OMPI_COMM_WORLD_SIZE") is > 1 and { } open)
        {
            throw new RunException(
                ExitCode.Configuration, "MpiLauncherNotUsable",
                string.Create(CultureInfo.InvariantCulture, $"Open MPI's mpiexec has started {open} ranks (OMPI_COMM_WORLD_SIZE), but this program joins them by MPICH's kind of MPI: start them by MPICH's mpiexec (Debian: mpiexec.mpich), or by --ranks {open}."));
        }

        if (Number("SLURM_STEP_NUM_TASKS") is > 1 and { } tasks)
        {
            throw new RunException(
                ExitCode.Configuration, "MpiLauncherNotUsable",
                string.Create(CultureInfo.InvariantCulture, $"srun has started {tasks} tasks that can't find each other (SLURM_STEP_NUM_TASKS without PMI_SIZE): start them by srun --mpi=pmi2."));
        }

        return null;

        int? Number(string name) => variables.TryGetValue(name, out string? text) && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
    }
}

/// <summary>Where our own launcher watches over its ranks.</summary>
/// <param name="Addresses">Where it listens.</param>
/// <param name="Token">The run's token.</param>
/// <param name="Host">Its host.</param>
public sealed record LauncherHub(IReadOnlyList<string> Addresses, string Token, string Host);
