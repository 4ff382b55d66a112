using RobustTrain.Data;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Loop;
using RobustTrain.Training.Tasks;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Tests.Training;

/// <summary>A task of two heads, as docs/decisions/tasks.md tells to write one: changes, and beside them the later image's brightness.</summary>
[Collection(TorchCollection.Name)]
public sealed class MultiTaskTests : IDisposable
{
    private readonly SmallTraining _untouched = new();
    private readonly SmallTraining _stopped = new();

    public void Dispose()
    {
        _untouched.Dispose();
        _stopped.Dispose();
    }

    [Fact]
    public void Both_heads_learn_are_scored_and_go_on_with_the_same_bits()
    {
        MemoryJournal journal = new();
        Run(_untouched, journal);
        int stops = 0;
        while (Run(_stopped, new MemoryJournal(), steps: 1) == ExitCode.Stopped)
            stops++;

        Assert.Equal(12, stops);
        Assert.Equal(_untouched.FinalState(), _stopped.FinalState());
        EpochFinished[] epochs = [.. journal.Of<EpochFinished>()];
        Assert.All(epochs, epoch => Assert.Contains("f1", epoch.Scores!.Keys));
        Assert.True(epochs[^1].Scores!["brightness_error"] < epochs[0].Scores!["brightness_error"]);
    }

    private static ExitCode Run(SmallTraining training, MemoryJournal journal, int steps = int.MaxValue)
    {
        ITrainingTask task = new TwoHeadsTask(TaskCatalog.Of(training.Config));
        TrainingPlan plan = TrainingPlan.Create(training.Config, task, training.Data);
        using RunFolder run = RunFolder.Open(training.RunPath, training.Config, ResumeMode.Auto, RunVersions.Current());
        using TrainingControl control = new();
        int done = 0;
        MemoryJournal counting = new(happened =>
        {
            journal.Write(happened);
            if (happened is StepFinished && ++done == steps)
                control.RequestStop();
        });
        return new Trainer(plan, run, counting).Run(control).ExitCode;
    }

    private sealed class TwoHeadsTask(ITrainingTask changes) : DelegatingTask(changes)
    {
        private const int Classes = 2;

        public override IReadOnlyList<ScoreDefinition> Scores => [.. base.Scores, new ScoreDefinition("brightness_error", ScoreDirection.LowerIsBetter)];

        public override Module CreateModel(long seed) => new TwoHeads(base.CreateModel(seed));

        public override Tensor Forward(Module model, BatchTensors batch)
        {
            TwoHeads heads = (TwoHeads)model;
            return cat([base.Forward(heads.Changes, batch), heads.Brightness.call(Later(batch))], 1);
        }

        public override ILossSetup CreateLossSetup() => new Setup(base.CreateLossSetup());

        public override IReadOnlyList<SampleResult> Score(Tensor output, BatchTensors batch, IReadOnlyList<string> names)
        {
            using Tensor errors = Error(output, batch).mean([1, 2, 3]);
            return [.. base.Score(output.narrow(1, 0, Classes), batch, names).Select((own, sample) => new TwoResults(own, errors[sample].item<float>()))];
        }

        public override AggregatedScores Aggregate(IEnumerable<SampleResult> samples)
        {
            TwoResults[] all = [.. samples.Cast<TwoResults>()];
            AggregatedScores own = base.Aggregate(all.Select(sample => sample.Own));
            return own with { Named = new Dictionary<string, double>(own.Named) { ["brightness_error"] = all.Average(sample => sample.Error) } };
        }

        private static Tensor Later(BatchTensors batch) => batch["image2"];

        private static Tensor Error(Tensor output, BatchTensors batch) => (output.narrow(1, Classes, 1) - Later(batch).mean([1], keepdim: true)).square();

        private sealed class Setup(ILossSetup own) : ILossSetup
        {
            public ITrainingLoss Create(IBatchLoader training, Device device) => new SumOfBoth(own.Create(training, device));

            public void Save(CheckpointDraft draft) => own.Save(draft);

            public void Load(CheckpointArchive archive) => own.Load(archive);
        }

        private sealed class SumOfBoth(ITrainingLoss own) : ITrainingLoss
        {
            public Tensor Compute(Tensor output, BatchTensors batch) => own.Compute(output.narrow(1, 0, Classes), batch) + (0.5 * Error(output, batch).mean());

            public void Dispose() => own.Dispose();
        }
    }

    private sealed record TwoResults(SampleResult Own, double Error) : SampleResult(Own.Name)
    {
        public override IReadOnlyDictionary<string, double> NamedScores => new Dictionary<string, double>(Own.NamedScores) { ["brightness_error"] = Error };

        public override IReadOnlyList<long>? ConfusionCounts => Own.ConfusionCounts;
    }

    private sealed class TwoHeads : Module
    {
        public TwoHeads(Module changes)
            : base(nameof(TwoHeads))
        {
            Changes = changes;
            Brightness = Conv2d(3, 1, 3, padding: 1);
            using (no_grad())
                Brightness.weight.fill_(0.01);
            using (no_grad())
                Brightness.bias!.fill_(1);
            register_module("changes", Changes);
            register_module("brightness", Brightness);
        }

        public Module Changes { get; }

        public Conv2d Brightness { get; }
    }
}
