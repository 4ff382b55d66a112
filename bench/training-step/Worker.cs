using System.Diagnostics;
using System.Globalization;
using RobustTrain.Data;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Distributed;
using RobustTrain.Training.Distributed.Joining;
using RobustTrain.Training.Native;
using RobustTrain.Training.Tasks;
using static TorchSharp.torch;

namespace RobustTrain.Bench.TrainingStep;

/// <summary>Trains when it is told to: a line in, the milliseconds of each step out, as step.py does.</summary>
internal static class Worker
{
    /// <summary>The trainer's step.</summary>
    public static void RunOurs(Work work)
    {
        using RankGroup? group = RankEnvironment.Find() is { } environment ? RankGroup.Join(environment, TimeSpan.FromSeconds(60)) : null;
        Ranks ranks = new(group?.Communicator);
        MemoryBatches data = new(work.Batch, work.Side);
        using (OurTraining training = new(ConfigOf(work), new DataSplits(data, data, data), ranks))
        {
            int each = work.Batch / ranks.Size;
            using IBatch batch = data.Batch(ranks.Rank * each, each);
            Serve(work, () => training.Take(batch), ranks);
        }

        group?.Leave(0);
    }

    /// <summary>A sum over ranks.</summary>
    public static void RunAllReduce(int megabytes)
    {
        using RankGroup group = RankGroup.Join(RankEnvironment.Find() ?? throw new InvalidOperationException("allreduce is run by mpiexec."), TimeSpan.FromSeconds(60));
        LibTorch.Load();
        AllReduce.Run(group, megabytes);
        group.Leave(0);
    }

    /// <summary>A plain loop of TorchSharp's.</summary>
    public static void RunPlain(Work work)
    {
        using PlainTraining training = new(ConfigOf(work));
        set_num_threads(work.Threads);
        using Tensor image1 = rand(work.Batch, 3, work.Side, work.Side);
        using Tensor image2 = rand(work.Batch, 3, work.Side, work.Side);
        using Tensor labels = randint(0, 2, [work.Batch, work.Side, work.Side], dtype: ScalarType.Int64);
        Serve(work, () => training.Take(image1, image2, labels), Ranks.Single);
    }

    private static TrainingConfig ConfigOf(Work work) => new()
    {
        Seed = 0,
        Threads = work.Threads,
        Model = new ModelConfig { Name = work.Model, BaseChannels = work.BaseChannels, Dropout = 0.2 },
        Data = new DataConfig { Path = "/in memory" },
        Loader = new LoaderOptions { BatchSize = work.Batch, EvalBatchSize = work.Batch, NumWorkers = 0 },
        Criterion = new CriterionConfig { Name = "cross-entropy" },
        Optimizer = new OptimizerConfig { Name = "adamw", LearningRate = 1e-3, WeightDecay = 1e-4 },
        Trainer = new TrainerConfig { Shards = work.Shards, SynchronizedBatchNorm = work.Synchronized },
    };

    // Of several ranks the first is told, and tells the others.
    private static void Serve(Work work, Action step, Ranks ranks)
    {
        for (int warm = 0; warm < 2; warm++) step();
        if (ranks.IsFirst)
            Console.WriteLine("ready");
        while (ranks.FromFirst(new CollectivePurpose("turn", 0), () => Console.ReadLine() is not null))
        {
            string[] milliseconds = new string[work.Steps];
            for (int i = 0; i < work.Steps; i++)
            {
                long start = Stopwatch.GetTimestamp();
                step();
                milliseconds[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds.ToString(CultureInfo.InvariantCulture);
            }

            if (ranks.IsFirst)
                Console.WriteLine(string.Join(' ', milliseconds));
        }
    }
}
