using System.Runtime.InteropServices;
using RobustTrain.Runs.Engines;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Native;
using RobustTrain.Training.Tasks.ChangeDetection.Models;
using RobustTrain.Training.Tasks.ClassLabels.Losses;
using static TorchSharp.torch;

namespace RobustTrain.Bench.TrainingStep;

/// <summary>The same network in a loop as TorchSharp's examples have it, in a process as TorchSharp leaves it.</summary>
internal sealed class PlainTraining : IDisposable
{
    private readonly ChangeDetectionModel _model;
    private readonly Criterion _criterion;
    private readonly optim.Optimizer _optimizer;

    public PlainTraining(TrainingConfig config)
    {
        // Where the libraries lie; nothing else of what RobustTrain sets.
        string folder = LibTorch.FindFolder(null, AppContext.BaseDirectory, EngineStore.OfThisUser());
        foreach (string library in (string[])[Path.Combine(folder, "libtorch_cpu.so"), Path.Combine(folder, "libtorch.so"), Path.Combine(AppContext.BaseDirectory, "libLibTorchSharp.so")])
            NativeLibrary.Load(library);
        _model = ModelCatalog.Networks.Create(config.Model, seed: 0);
        _criterion = CriterionCatalog.Create(config.Criterion, CPU);
        _optimizer = optim.AdamW(_model.parameters(), lr: config.Optimizer.LearningRate, weight_decay: config.Optimizer.WeightDecay);
        _model.train();
    }

    public void Take(Tensor image1, Tensor image2, Tensor label)
    {
        using IDisposable scope = NewDisposeScope();
        _optimizer.zero_grad();
        Tensor prediction = _model.call(image1, image2);
        Tensor loss = _criterion.Compute(prediction, label);
        loss.backward();
        _optimizer.step();
        _ = loss.item<float>();
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _criterion.Dispose();
        _model.Dispose();
    }
}
