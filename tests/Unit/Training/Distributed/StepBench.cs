using RobustTrain.Data;
using RobustTrain.Data.Loading;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Distributed;
using RobustTrain.Training.Loading;
using RobustTrain.Training.Loop;
using RobustTrain.Training.Optimization;
using RobustTrain.Training.Steps;
using RobustTrain.Training.Tasks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training.Distributed;

/// <summary>A training step with its parts at one rank, on a small network.</summary>
internal sealed class StepBench : IDisposable
{
    private readonly TinyModel _model;
    private readonly Learner _learner;
    private readonly TrainingStep _step;
    private readonly ITrainingLoss _loss;
    private readonly TrainingBatch _batch;
    private readonly PrefetchLoader _loader;

    public StepBench(TrainingConfig config, Ranks ranks, int fits = int.MaxValue, Func<Tensor, Tensor>? between = null, Func<int>? norms = null, SquaresDataset? data = null)
    {
        TrainingPlan plan = TrainingPlan.Create(config, new DataSplits(data ?? new SquaresDataset(8), new SquaresDataset(1), new SquaresDataset(1)));
        _model = new TinyModel(fits, between, norms);
        (string Name, Parameter Parameter)[] learned = ParameterFreezing.Apply(_model, []);
        _learner = new Learner(_model, learned, OptimizerFactory.Create(config.Optimizer, learned.Select(named => named.Parameter)), null);
        _loader = plan.OpenTrainingLoader(ranks: ranks);
        _loss = plan.Task.CreateLossSetup().Create(_loader, CPU);
        MicroBatch = new MicroBatchSize(config.Trainer.MicroBatch);
        RankJournal journal = new(Journal, ranks);
        BatchAgreement agreement = new(ranks, plan, journal, control: null, quarantine: null, TimeProvider.System);
        _step = new TrainingStep(plan, _learner, _loss, new NumericGuard(config.Numerics, journal), MicroBatch, new LossScale(isUsed: false), journal, agreement: agreement);
        agreement.BeginEpoch(0, null);
        using EpochStream stream = _loader.Open(0);
        Assert.True(stream.MoveNext());
        _batch = TrainingBatch.InLoaderMemory(stream.Current, plan.Task.Fields, CPU, stream.Ledger);
    }

    public MemoryJournal Journal { get; } = new();

    public MicroBatchSize MicroBatch { get; }

    public TinyModel Model => _model;

    public float[] Weights => [.. _model.parameters().SelectMany(parameter => parameter.detach().data<float>().ToArray())];

    public StepResult Take(int step = 0) => _step.Take(_batch, TrainingCursor.Start with { GlobalStep = step });

    public void FlipBit(string name)
    {
        using IDisposable noGrad = no_grad();
        Tensor weight = _model.get_parameter(name)!;
        weight.view(-1)[0] = weight.view(-1)[0] * 1.0000001f;
    }

    public void Dispose()
    {
        _batch.Dispose();
        _loader.Dispose();
        _step.Dispose();
        _loss.Dispose();
        _learner.Dispose();
    }
}
