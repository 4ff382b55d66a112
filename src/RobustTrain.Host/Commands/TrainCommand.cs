using System.CommandLine;
using RobustTrain.Host.Jobs;
using RobustTrain.Host.Output;
using RobustTrain.Runs;

namespace RobustTrain.Host.Commands;

/// <summary><c>robusttrain train</c>.</summary>
internal static class TrainCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        ConfigurationOptions configuration = new();
        Option<string?> runPath = CommonOptions.RunPath();
        Option<string> resume = CommonOptions.Resume();
        Option<bool> events = CommonOptions.Events();
        Option<bool> lifeLine = new("--life-line")
        {
            Description = "Takes 'stop' and 'checkpoint' as lines on standard input, and stops with a checkpoint when it ends: whoever started this is gone.",
        };
        Command command = new(
            "train",
            "Trains a network, or goes on with a run that was stopped, killed or interrupted. SIGTERM, SIGINT (Ctrl+C) and SIGUSR1 stop it with a checkpoint (exit code 75) once the step or the batch of a validation that is under way has ended and the checkpoint is written; a second SIGINT ends it at once.")
        {
            runPath, resume, events, lifeLine,
        };
        configuration.AddTo(command);
        command.SetAction(parsed =>
        {
            EventStream? stream = CommonOptions.OpenStream(parsed.GetValue(events));
            RunRequest request = new(
                parsed.GetValue(configuration.File),
                parsed.GetValue(configuration.Settings)!,
                parsed.GetValue(runPath),
                Enum.Parse<ResumeMode>(parsed.GetValue(resume)!, ignoreCase: true),
                parsed.GetValue(lifeLine));
            return CommandGuard.Run(() => new TrainJob(request, stream, TimeProvider.System).Run(), stream);
        });
        return command;
    }
}
