using RobustTrain.Host.Output;
using RobustTrain.Monitoring.Status;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Tests.Host;

public sealed class CostJournalTests
{
    private readonly ManualTime _clock = new();
    private readonly Kept _kept = new();

    [Fact]
    public void It_is_told_every_ten_seconds_beside_steps_and_before_the_events_that_change_the_record()
    {
        CostJournal journal = new(_kept, new CostMeter("cpu", null, _clock), _clock);
        journal.Write(Step(0));
        _clock.Advance(TimeSpan.FromSeconds(9));
        journal.Write(Step(1));
        _clock.Advance(TimeSpan.FromSeconds(1));
        journal.Write(Step(2));
        journal.Write(new RunFinished("finished", 0, null, null));

        Assert.Equal([nameof(StepFinished), nameof(StepFinished), nameof(CostMeasured), nameof(StepFinished), nameof(CostMeasured), nameof(RunFinished)], _kept.Events.Select(happened => happened.GetType().Name));
        Assert.Equal(10, Costs[0].DurationSeconds);
    }

    [Fact]
    public void A_training_on_the_cpu_uses_processor_time_and_neither_gpu_nor_energy()
    {
        CostJournal journal = new(_kept, new CostMeter("cpu", () => Status("cuda:0", 5000), _clock), _clock);
        journal.Write(new RunFinished("finished", 0, null, null));

        Assert.True(Costs[0].CpuSeconds > 0);
        Assert.Equal((null, null), (Costs[0].GpuSeconds, Costs[0].EnergyJoules));
        Assert.Equal(Environment.ProcessId, Costs[0].ProcessId);
    }

    [Fact]
    public void Energy_is_what_the_counter_of_the_trainings_own_gpu_has_grown_by()
    {
        double? counter = 1000;
        CostJournal journal = new(_kept, new CostMeter("cuda:1", () => Status("cuda:1", counter), _clock), _clock);
        journal.Write(Step(0));
        counter = 1500;
        _clock.Advance(TimeSpan.FromSeconds(10));
        journal.Write(Step(1));

        // The driver was loaded anew.
        counter = 20;
        journal.Write(new EpochFinished(0, 1, null, false, 1, 1, 0, 1));
        counter = 120;
        journal.Write(new RunFinished("finished", 0, null, null));

        Assert.Equal([500, 500, 600], Costs.Select(cost => cost.EnergyJoules!.Value));
        Assert.Equal([10.0, 10.0, 10.0], Costs.Select(cost => cost.GpuSeconds!.Value));
    }

    [Fact]
    public void A_gpu_without_a_counter_has_no_energy()
    {
        CostJournal journal = new(_kept, new CostMeter("cuda:0", () => Status("cuda:0", null), _clock), _clock);
        journal.Write(Step(0));
        journal.Write(new RunFinished("finished", 0, null, null));

        Assert.Null(Costs[0].EnergyJoules);
        Assert.NotNull(Costs[0].GpuSeconds);
    }

    [Fact]
    public void Waiting_adds_up_over_epochs_those_that_begin_again_included()
    {
        CostJournal journal = new(_kept, new CostMeter("cpu", null, _clock), _clock);
        journal.Write(new EpochStarted(0, 1));
        journal.Write(Step(0) with { EpochWaitSeconds = 2 });
        journal.Write(Step(1) with { EpochWaitSeconds = 3 });
        journal.Write(new EpochFinished(0, 1, null, false, 1, 1, 0, 1) { EpochWaitSeconds = 4 });
        journal.Write(new EpochStarted(1, 1));
        journal.Write(Step(2) with { EpochWaitSeconds = 10 });
        journal.Write(new EpochStarted(1, 1));
        journal.Write(Step(2) with { EpochWaitSeconds = 100 });
        journal.Write(new RunFinished("finished", 0, null, null));

        Assert.Equal([4.0, 114.0], Costs.Select(cost => cost.DataWaitSeconds));
    }

    private CostMeasured[] Costs => [.. _kept.Events.OfType<CostMeasured>()];

    private static StepFinished Step(long step) => new(0, (int)step, step, 1, 1, 1, 0);

    private static SystemStatus Status(string device, double? energy) => new("host", null, [new GpuStatus { ComputerName = "host", Time = default, Index = 1, Device = device, EnergyJoules = energy }]);

    private sealed class Kept : IRunJournal
    {
        public List<RunEvent> Events { get; } = [];

        public void Write(RunEvent runEvent) => Events.Add(runEvent);
    }
}
