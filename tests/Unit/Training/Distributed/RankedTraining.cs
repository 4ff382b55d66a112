using RobustTrain.Runs;
using RobustTrain.Training;
using RobustTrain.Training.Distributed;
using RobustTrain.Training.Loop;

namespace RobustTrain.Tests.Training.Distributed;

/// <summary>Runs a small training on several ranks of this process.</summary>
internal static class RankedTraining
{
    /// <summary>Trains, from the latest checkpoint where there is one.</summary>
    /// <param name="training">What.</param>
    /// <param name="size">The number of ranks.</param>
    /// <param name="journal">Takes what the first rank writes.</param>
    /// <param name="controls">What is asked of each rank; null for nothing.</param>
    /// <returns>How each rank ended.</returns>
    public static IReadOnlyList<TrainingOutcome> RunOn(this SmallTraining training, int size, MemoryJournal? journal = null, IReadOnlyList<TrainingControl>? controls = null) =>
        new ThreadRanks(size).Run(communicator => training.RunAs(new Ranks(communicator), journal ?? new MemoryJournal(), controls?[communicator.Rank]));

    /// <summary>Trains as many steps, and stops where one rank is asked to.</summary>
    public static void RunStepsOn(this SmallTraining training, int size, int steps, int asked = 0)
    {
        TrainingControl[] controls = [.. Enumerable.Range(0, size).Select(_ => new TrainingControl())];
        int done = 0;
        MemoryJournal journal = new(runEvent =>
        {
            if (runEvent is RobustTrain.Runs.Events.StepFinished && ++done == steps)
                controls[asked].RequestStop();
        });
        Assert.All(training.RunOn(size, journal, controls), outcome => Assert.Equal(ExitCode.Stopped, outcome.ExitCode));
    }

    private static TrainingOutcome RunAs(this SmallTraining training, Ranks ranks, MemoryJournal journal, TrainingControl? control)
    {
        TrainingPlan plan = TrainingPlan.Create(training.Config, training.Data);
        using RunFolder? run = ranks.IsFirst ? RunFolder.Open(training.RunPath, training.Config, ResumeMode.Auto, RunVersions.Current()) : null;
        using TrainingControl own = new();
        return new Trainer(plan, run, ranks.IsFirst ? journal : new MemoryJournal(_ => Assert.Fail("Only the first rank writes.")), null, ranks).Run(control ?? own);
    }
}
