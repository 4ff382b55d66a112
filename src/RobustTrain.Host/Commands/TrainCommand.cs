using System.CommandLine;
using RobustTrain.Host.Jobs;

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
        Command command = new(
            "train",
            "Trains a network, or goes on with a run that was stopped, killed or interrupted. SIGTERM, SIGINT (Ctrl+C) and SIGUSR1 stop it with a checkpoint (exit code 75) once the step or the batch of a validation that is under way has ended and the checkpoint is written; a second SIGINT ends it at once.");
        return new RunOptions(lifeLine).AddTo(command, (request, stream) => new TrainJob(request, stream, TimeProvider.System).Run());
    }
}
