using System.Diagnostics;
using System.Globalization;
using RobustTrain.Bench.TrainingStep;
using RobustTrain.Data;
using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Loading;
using RobustTrain.Training;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Tasks.ClassLabels.Losses;
using TorchSharp;
using static TorchSharp.torch;

namespace RobustTrain.Bench.Epoch;

/// <summary>Trains an epoch when it is told to: a line in, the epoch's milliseconds out.</summary>
internal static class Epochs
{
    private const int Crop = 112;

    /// <summary>The loader and the step as the trainer has them.</summary>
    public static void ServeOurs(string pairs)
    {
        TrainingConfig config = ConfigOf(pairs);
        using OurTraining training = new(config, TaskCatalog.Of(config).OpenSplits());
        using PrefetchLoader loader = training.Plan.OpenTrainingLoader();
        int epoch = 0;
        Serve(() =>
        {
            using EpochStream stream = loader.Open(epoch++);
            while (stream.MoveNext())
            {
                using var batch = stream.Current;
                training.Take(batch);
            }
        });
    }

    /// <summary>The same network with TorchSharp's DataLoader and torchvision, in a process as TorchSharp leaves it.</summary>
    public static void ServeTorchSharp(string pairs, int workers)
    {
        using PlainTraining training = new(ConfigOf(pairs));
        torchvision.io.DefaultImager = new torchvision.io.SkiaImager();
        using Pairs dataset = new(pairs);
        Serve(() =>
        {
            using var loader = utils.data.DataLoader(dataset, 16, shuffle: true, device: CPU, num_worker: workers, disposeDataset: false);
            foreach (Dictionary<string, Tensor> batch in loader)
                training.Take(batch["image1"], batch["image2"], batch["label"]);
        });
    }

    private static TrainingConfig ConfigOf(string pairs) => new()
    {
        Seed = 0,
        Model = new ModelConfig { Name = "fc-siam-diff", BaseChannels = 8, Dropout = 0.1 },
        Data = new DataConfig { Path = pairs, Dataset = "change-pairs", CropSize = Crop, Augmentation = new AugmentationOptions { Rotate = true, HorizontalFlip = 0.5, VerticalFlip = 0.5, Brightness = 0.2, Contrast = 0.2 } },
        Loader = new LoaderOptions { BatchSize = 16 },
        Criterion = new CriterionConfig { Name = "focal-dice" },
        Optimizer = new OptimizerConfig { Name = "adamw", LearningRate = 1e-3, WeightDecay = 1e-4 },
    };

    private static void Serve(Action epoch)
    {
        epoch();
        Console.WriteLine("ready");
        while (Console.ReadLine() is not null)
        {
            long start = Stopwatch.GetTimestamp();
            epoch();
            Console.WriteLine(Stopwatch.GetElapsedTime(start).TotalMilliseconds.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>Random crop, flips, brightness and contrast by torchvision, as a .NET user writes them.</summary>
    private sealed class Pairs(string folder) : utils.data.Dataset
    {
        private readonly string[] _names = [.. Directory.EnumerateFiles(Path.Combine(folder, "A"), "train_*.png").Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal)];

        public override long Count => _names.Length;

        public override Dictionary<string, Tensor> GetTensor(long index)
        {
            using IDisposable scope = NewDisposeScope();
            Random random = Random.Shared;
            int left = random.Next(256 - Crop);
            int top = random.Next(256 - Crop);
            bool across = random.Next(2) == 0;
            bool down = random.Next(2) == 0;
            Tensor label = Place(Read("label", torchvision.io.ImageReadMode.GRAY, index)).squeeze(0).to(ScalarType.Int64).greater(127).to(ScalarType.Int64);
            return new Dictionary<string, Tensor>
            {
                ["image1"] = Jittered(Place(Read("A", torchvision.io.ImageReadMode.RGB, index))).MoveToOuterDisposeScope(),
                ["image2"] = Jittered(Place(Read("B", torchvision.io.ImageReadMode.RGB, index))).MoveToOuterDisposeScope(),
                ["label"] = label.MoveToOuterDisposeScope(),
            };

            Tensor Place(Tensor image)
            {
                Tensor placed = torchvision.transforms.functional.crop(image, top, left, Crop, Crop);
                if (across) placed = torchvision.transforms.functional.hflip(placed);
                return down ? torchvision.transforms.functional.vflip(placed) : placed;
            }

            Tensor Jittered(Tensor image)
            {
                Tensor scaled = image.to(ScalarType.Float32).div(255);
                scaled = torchvision.transforms.functional.adjust_brightness(scaled, 0.8 + (0.4 * random.NextDouble()));
                return torchvision.transforms.functional.adjust_contrast(scaled, 0.8 + (0.4 * random.NextDouble()));
            }
        }

        private Tensor Read(string part, torchvision.io.ImageReadMode mode, long index) =>
            torchvision.io.read_image(Path.Combine(folder, part, _names[index]), mode);
    }
}
