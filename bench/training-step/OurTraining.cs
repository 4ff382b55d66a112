using RobustTrain.Data;
using RobustTrain.Data.Loading;
using RobustTrain.Data.Loading.Ledger;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Distributed;
using RobustTrain.Training.Loading;
using RobustTrain.Training.Loop;
using RobustTrain.Training.Native;
using RobustTrain.Training.Optimization;
using RobustTrain.Training.Steps;
using RobustTrain.Training.Tasks;
using TorchSharp.Modules;

namespace RobustTrain.Bench.TrainingStep;

/// <summary>The trainer's own step, with all that it does beside the arithmetic: seeds, the gradient's norm, the guard, the copy of the buffers.</summary>
internal sealed class OurTraining : IDisposable
{
    private static readonly EpochLedger s_noLedger = new()
    {
        Epoch = 0, Batches = 0, Delivered = 0, Retried = 0, Skipped = 0, Quarantined = 0, WorkerFailures = 0, Digest = "", DeliveredBy = new Dictionary<string, int>(), Entries = [],
    };

    private readonly Learner _learner;
    private readonly ITrainingLoss _loss;
    private readonly RobustTrain.Training.Loop.TrainingStep _step;
    private TrainingCursor _cursor = TrainingCursor.Start;

    /// <summary>A training.</summary>
    /// <param name="config">Its configuration.</param>
    /// <param name="data">Its data.</param>
    /// <param name="ranks">The ranks that share each batch.</param>
    public OurTraining(TrainingConfig config, DataSplits data, Ranks ranks)
    {
        Plan = TrainingPlan.Create(config, data);
        TorchSharp.torch.set_num_threads(Plan.Threads);
        _learner = Learner.Of(Plan.CreateModel(), config);
        using IBatchLoader loader = Plan.OpenTrainingLoader();
        _loss = Plan.Task.CreateLossSetup().Create(loader, Plan.Device);
        NoJournal journal = new();
        BatchAgreement agreement = new(ranks, Plan, new RankJournal(journal, ranks), control: null, quarantine: null, TimeProvider.System);
        agreement.BeginEpoch(0, former: null);
        _step = new(Plan, _learner, _loss, new NumericGuard(config.Numerics, journal), new MicroBatchSize(), new LossScale(isUsed: false), journal, agreement: agreement);
    }

    public TrainingPlan Plan { get; }

    public void Take(IBatch batch)
    {
        using TrainingBatch training = TrainingBatch.InLoaderMemory(new Borrowed(batch), Plan.Task.Fields, Plan.Device, s_noLedger);
        _step.Take(training, _cursor);
        StepMemory.Collect();
        _cursor = _cursor with { GlobalStep = _cursor.GlobalStep + 1 };
    }

    public void Dispose()
    {
        _step.Dispose();
        _loss.Dispose();
        _learner.Dispose();
    }

    /// <summary>A batch that stays its owner's.</summary>
    private sealed class Borrowed(IBatch batch) : IBatch
    {
        public int Index => batch.Index;

        public IReadOnlyList<int> SampleIndices => batch.SampleIndices;

        public BatchField this[string field] => batch[field];

        public int PositionOf(int sample) => batch.PositionOf(sample);

        public void Dispose()
        {
            // Its owner does.
        }
    }

    private sealed class NoJournal : IRunJournal
    {
        public void Write(RunEvent runEvent)
        {
            // Nothing of a bench is kept.
        }
    }
}
