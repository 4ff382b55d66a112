using RobustTrain.Data;
using RobustTrain.Runs.Configuration;
using RobustTrain.Runs.Events;
using RobustTrain.Training;
using RobustTrain.Training.Criteria;
using RobustTrain.Training.Models;
using RobustTrain.Training.Native;
using RobustTrain.Training.Numerics;
using RobustTrain.Training.Optimizers;
using RobustTrain.Training.Steps;
using TorchSharp.Modules;

namespace RobustTrain.Bench.TrainingStep;

/// <summary>The trainer's own step, with all that it does beside the arithmetic: seeds, the gradient's norm, the guard, the copy of the buffers.</summary>
internal sealed class OurTraining : IDisposable
{
    private readonly ChangeDetectionModel _model;
    private readonly OptimizerHelper _optimizer;
    private readonly Criterion _criterion;
    private readonly RobustTrain.Training.Steps.TrainingStep _step;
    private TrainingCursor _cursor = TrainingCursor.Start;

    public OurTraining(TrainingConfig config, DataSplits data)
    {
        Plan = TrainingPlan.Create(config, data);
        TorchSharp.torch.set_num_threads(Plan.Threads);
        _model = Plan.CreateModel();
        (string, Parameter Parameter)[] learned = ParameterFreezing.Apply(_model, []);
        _optimizer = OptimizerFactory.Create(config.Optimizer, learned.Select(named => named.Parameter));
        _criterion = CriterionCatalog.Create(config.Criterion, config.Model.Classes, Plan.Device);
        NoJournal journal = new();
        _step = new(Plan, _model, learned, _optimizer, _criterion, null, new NumericGuard(config.Numerics, journal), new MicroBatchSize(), journal);
    }

    public TrainingPlan Plan { get; }

    public void Take(IBatch batch)
    {
        _step.Take(batch, _cursor);
        StepMemory.Collect();
        _cursor = _cursor with { GlobalStep = _cursor.GlobalStep + 1 };
    }

    public void Dispose()
    {
        _step.Dispose();
        _criterion.Dispose();
        _optimizer.Dispose();
        _model.Dispose();
    }

    private sealed class NoJournal : IRunJournal
    {
        public void Write(RunEvent runEvent)
        {
            // Nothing of a bench is kept.
        }
    }
}
