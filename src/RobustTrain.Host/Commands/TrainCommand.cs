using System.CommandLine;
using RobustTrain.Host.Jobs;
using RobustTrain.Host.Output;
using RobustTrain.Host.Launching;

namespace RobustTrain.Host.Commands;

/// <summary><c>robusttrain train</c>.</summary>
internal static class TrainCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Option<bool> lifeLine = new("--life-line")
        {
            Description = "Takes 'stop' and 'checkpoint' as lines on standard input, and stops with a checkpoint when it ends: whoever started this is gone.",
        };
        Option<string[]> onEvent = CommonOptions.OnEvent("how the run ends (finished, failed, stuck, stopped)");
        Command command = new(
            "train",
            "Trains a network, or goes on with a run that was stopped, killed or interrupted. SIGTERM, SIGINT (Ctrl+C) and SIGUSR1 stop it with a checkpoint (exit code 75) once the step or the batch of a validation that is under way has ended and the checkpoint is written; a second SIGINT ends it at once. Under mpiexec of MPICH's kind and under srun --mpi=pmi2 it is one rank of the run.");

        // Nothing reads its value: it stands in the process's command line, by which a fleet finds a trainer that it may have started.
        command.Add(new Option<string?>("--start-id") { Hidden = true });
        RankOptions ranks = new();
        ranks.AddTo(command);
        return new RunOptions(lifeLine, onEvent).AddTo(command, (request, stream, parsed) => Train(request, ranks.Of(parsed), stream));
    }

    private static int Train(RunRequest request, RankRequest ranks, EventStream? stream)
    {
        ranks.Check();
        return ranks.IsGiven
            ? new RankLauncher(request, ranks, stream, TimeProvider.System).Run()
            : new TrainJob(request, stream, TimeProvider.System).Run();
    }
}

/// <summary>The options that start several ranks.</summary>
internal sealed class RankOptions
{
    private readonly Option<int?> _ranks = Positive("--ranks", "N", "Trains on N ranks, processes that share each batch, started by mpiexec; their number must divide trainer.shards. Without --hosts they are all on this machine.");

    private readonly Option<string[]> _hosts = new("--hosts")
    {
        HelpName = "HOST,HOST",
        DefaultValueFactory = _ => [],
        Description = "The hosts of the ranks, as ssh knows them, separated by commas; each has robusttrain, MPI, the data and the run's folder at the same paths.",
    };

    private readonly Option<int?> _ranksPerHost = Positive("--ranks-per-host", "N", "The most ranks of one host, as many as it has GPUs; without --ranks each host has so many (1).");

    private readonly Option<bool> _restart = new("--restart")
    {
        Description = "Where a rank is lost, goes on from the newest checkpoint with the hosts that are left, at the next number of ranks that divides trainer.shards; without it the run ends with exit code 75.",
    };

    private readonly Option<bool> _rejoin = new("--rejoin")
    {
        Description = "With --restart: takes in a host that comes back at the next checkpoint.",
    };

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_ranks, _hosts, _ranksPerHost, _restart, _rejoin])
            command.Add(option);
    }

    /// <summary>What a command line says.</summary>
    public RankRequest Of(ParseResult parsed) => new(
        parsed.GetValue(_ranks),
        [.. parsed.GetValue(_hosts)!.SelectMany(hosts => hosts.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))],
        parsed.GetValue(_ranksPerHost),
        parsed.GetValue(_restart),
        parsed.GetValue(_rejoin));

    private static Option<int?> Positive(string name, string helpName, string description)
    {
        Option<int?> option = new(name) { HelpName = helpName, Description = description };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && (!int.TryParse(token.Value, out int number) || number < 1))
                result.AddError($"{name} is '{token.Value}', but must be a number from 1 on.");
        });
        return option;
    }
}
