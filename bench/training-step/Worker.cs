using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using RobustTrain.Data;
using RobustTrain.Runs.Configuration;
using RobustTrain.Training;
using RobustTrain.Training.Criteria;
using RobustTrain.Training.Models;
using RobustTrain.Training.Native;
using static TorchSharp.torch;

namespace RobustTrain.Bench.TrainingStep;

/// <summary>Trains when it is told to: a line in, the milliseconds of each step out, as step.py does.</summary>
internal static class Worker
{
    /// <summary>The trainer's step.</summary>
    public static void RunOurs(Work work)
    {
        MemoryBatches data = new(work.Batch, work.Side);
        using OurTraining training = new(ConfigOf(work), new DataSplits(data, data, data));
        using IBatch batch = data.Batch();
        Serve(work, () => training.Take(batch));
    }

    /// <summary>The same network in a loop as TorchSharp's examples have it, in a process as they leave it.</summary>
    public static void RunPlain(Work work)
    {
        // Where the libraries lie; nothing else of what RobustTrain sets.
        string folder = LibTorch.FindFolder(null, AppContext.BaseDirectory);
        foreach (string library in (string[])[Path.Combine(folder, "libtorch_cpu.so"), Path.Combine(folder, "libtorch.so"), Path.Combine(AppContext.BaseDirectory, "libLibTorchSharp.so")])
            NativeLibrary.Load(library);
        set_num_threads(work.Threads);
        TrainingConfig config = ConfigOf(work);
        using ChangeDetectionModel model = ModelCatalog.Create(config.Model, seed: 0);
        using Criterion criterion = CriterionCatalog.Create(config.Criterion, 2, CPU);
        using optim.Optimizer optimizer = optim.AdamW(model.parameters(), lr: 1e-3, weight_decay: 1e-4);
        using Tensor image1 = rand(work.Batch, 3, work.Side, work.Side);
        using Tensor image2 = rand(work.Batch, 3, work.Side, work.Side);
        using Tensor labels = randint(0, 2, [work.Batch, work.Side, work.Side], dtype: ScalarType.Int64);
        model.train();
        Serve(work, () =>
        {
            using IDisposable scope = NewDisposeScope();
            optimizer.zero_grad();
            Tensor prediction = model.call(image1, image2);
            Tensor loss = criterion.Compute(prediction, labels);
            loss.backward();
            optimizer.step();
            _ = loss.item<float>();
        });
    }

    private static TrainingConfig ConfigOf(Work work) => new()
    {
        Seed = 0,
        Threads = work.Threads,
        Model = new ModelConfig { Name = work.Model, BaseChannels = work.BaseChannels, Dropout = 0.2 },
        Data = new DataConfig { Path = "/in memory" },
        Loader = new LoaderConfig { BatchSize = work.Batch, EvalBatchSize = work.Batch, NumWorkers = 0 },
        Criterion = new CriterionConfig { Name = "cross-entropy" },
        Optimizer = new OptimizerConfig { Name = "adamw", LearningRate = 1e-3, WeightDecay = 1e-4 },
    };

    private static void Serve(Work work, Action step)
    {
        for (int warm = 0; warm < 2; warm++) step();
        Console.WriteLine("ready");
        while (Console.ReadLine() is not null)
        {
            string[] milliseconds = new string[work.Steps];
            for (int i = 0; i < work.Steps; i++)
            {
                long start = Stopwatch.GetTimestamp();
                step();
                milliseconds[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds.ToString(CultureInfo.InvariantCulture);
            }

            Console.WriteLine(string.Join(' ', milliseconds));
        }
    }
}
