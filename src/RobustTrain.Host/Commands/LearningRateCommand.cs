using System.CommandLine;
using System.Globalization;
using RobustTrain.Configuration;
using RobustTrain.Host.Jobs;
using RobustTrain.Host.Limits;
using RobustTrain.Host.Output;
using RobustTrain.Host.Progress;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Host.Commands;

/// <summary><c>robusttrain find-learning-rate</c>.</summary>
internal static class LearningRateCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        LearningRateSearch defaults = new();
        ConfigurationOptions configuration = new();
        Option<int> steps = new("--steps") { HelpName = "N", DefaultValueFactory = _ => defaults.Steps, Description = "The steps of the search." };
        Option<double> from = new("--from") { HelpName = "RATE", DefaultValueFactory = _ => defaults.From, Description = "The learning rate of the first step." };
        Option<double> to = new("--to") { HelpName = "RATE", DefaultValueFactory = _ => defaults.To, Description = "The learning rate of the last step; the search ends before it where the loss explodes." };
        Option<bool> events = CommonOptions.Events();
        Option<bool> lifeLine = CommonOptions.LifeLine();
        Command command = new(
            "find-learning-rate",
            "Trains for some steps while the learning rate rises exponentially, prints the loss of each, and suggests the rate at which the loss falls fastest (Smith, 2017). It leaves nothing on disk.")
        {
            steps, from, to, events, lifeLine,
        };
        configuration.AddTo(command);
        command.SetAction(parsed =>
        {
            EventStream? stream = CommonOptions.OpenStream(parsed.GetValue(events));
            LearningRateSearch search = new() { Steps = parsed.GetValue(steps), From = parsed.GetValue(from), To = parsed.GetValue(to) };
            return CommandGuard.Run(
                () =>
                {
                    TrainingConfig config = ConfigurationReader.Read<TrainingConfig>(parsed.GetValue(configuration.File), parsed.GetValue(configuration.Settings)!);
                    SystemLimits.OfThisProcess().Check(config);
                    return CancellableWork.Run(
                        parsed.GetValue(lifeLine),
                        stopping => Find(config, search, stream, stopping),
                        reason => new RunException(ExitCode.Unexpected, "LearningRateSearchStopped", $"The search for a learning rate was stopped ({reason})."));
                },
                stream);
        });
        return command;
    }

    private static int Find(TrainingConfig config, LearningRateSearch search, EventStream? stream, CancellationToken stopping)
    {
        LearningRatesMeasured measured;
        using (IProgressDisplay? display = stream is null ? ProgressDisplays.OnStandardOutput(TimeProvider.System, CommandGuard.Say) : null)
            measured = LearningRateFinder.Open(config, search).Run(new CompositeJournal(TimeProvider.System, [stream, display]), stopping, TimeProvider.System);
        stream?.Write(measured);
        if (stream is not null)
            return (int)ExitCode.Finished;
        using DetachedText output = DetachedText.StandardOutput(CommandGuard.Say);
        output.WriteLine("step  learning rate          loss      smoothed");
        foreach (LearningRatePoint point in measured.Points)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{point.Step,4}  {point.LearningRate,13:0.000e+0}  {point.Loss,12:0.000000}  {point.SmoothedLoss,12:0.000000}"));
        if (measured.HasExploded)
            output.WriteLine($"The loss exploded after {Counted.Of(measured.Points.Count, "step")}.");
        output.WriteLine(measured.Suggested is { } at
            ? string.Create(CultureInfo.InvariantCulture, $"Suggested learning rate, at which the smoothed loss fell fastest: {measured.Points[at].LearningRate:0.00e+0}")
            : "The loss never fell, so that there is nothing to suggest; other rates (--from, --to) or more steps (--steps) may show more.");
        return (int)ExitCode.Finished;
    }
}
