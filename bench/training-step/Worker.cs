using System.Diagnostics;
using System.Globalization;
using RobustTrain.Runs.Configuration;
using RobustTrain.Training.Criteria;
using RobustTrain.Training.Models;
using static TorchSharp.torch;

namespace RobustTrain.Bench.TrainingStep;

/// <summary>Trains when it is told to: a line in, the milliseconds of each step out, as step.py does.</summary>
internal static class Worker
{
    public static void Run(Work work)
    {
        set_num_threads(work.Threads);
        manual_seed(0);
        using ChangeDetectionModel model = ModelCatalog.Create(new ModelConfig { Name = work.Model, BaseChannels = work.BaseChannels }, seed: 0);
        using Criterion criterion = CriterionCatalog.Create(new CriterionConfig(), 2, CPU);
        using optim.Optimizer optimizer = optim.AdamW(model.parameters(), lr: 1e-3, weight_decay: 1e-4);
        using Tensor image1 = rand(work.Batch, 3, work.Side, work.Side);
        using Tensor image2 = rand(work.Batch, 3, work.Side, work.Side);
        using Tensor labels = randint(0, 2, [work.Batch, work.Side, work.Side], dtype: ScalarType.Int64);

        model.train();
        for (int step = 0; step < 2; step++) Step();
        Console.WriteLine("ready");
        while (Console.ReadLine() is not null)
        {
            string[] milliseconds = new string[work.Steps];
            for (int step = 0; step < work.Steps; step++)
            {
                long start = Stopwatch.GetTimestamp();
                Step();
                milliseconds[step] = Stopwatch.GetElapsedTime(start).TotalMilliseconds.ToString(CultureInfo.InvariantCulture);
            }

            Console.WriteLine(string.Join(' ', milliseconds));
        }

        float Step()
        {
            using IDisposable scope = NewDisposeScope();
            optimizer.zero_grad();
            Tensor logits = model.call(image1, image2);
            Tensor loss = criterion.Compute(logits, labels);
            loss.backward();
            optimizer.step();
            return loss.item<float>();
        }
    }
}
