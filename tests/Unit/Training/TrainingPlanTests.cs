using RobustTrain.Data;
using RobustTrain.Runs;
using RobustTrain.Training;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Loop;
using RobustTrain.Training.Native;
using RobustTrain.Training.Tasks;
using RobustTrain.Training.Tasks.ClassLabels.Losses;

namespace RobustTrain.Tests.Training;

public sealed class TrainingPlanTests
{
    private static readonly TrainingConfig Config = new() { Model = new ModelConfig { BaseChannels = 2 } };
    private static readonly DataSplits Data = new(new SquaresDataset(20), new SquaresDataset(4), new SquaresDataset(4));

    [Fact]
    public void It_counts_the_steps_of_an_epoch()
    {
        Assert.Equal(2, TrainingPlan.Create(Config, Data).StepsPerEpoch);
        Assert.Equal(1, TrainingPlan.Create(Config with { Loader = new LoaderOptions { DropLast = true } }, Data).StepsPerEpoch);
        Assert.Equal(4, TrainingPlan.Create(Config with { Data = new DataConfig { EnlargeRatio = 3 } }, Data).StepsPerEpoch);
    }

    [Fact]
    public void An_empty_split_is_refused()
    {
        Refused("SplitEmpty", "training split", Config, Data with { Training = new SquaresDataset(0) });
        Refused("SplitEmpty", "validation split", Config, Data with { Validation = new SquaresDataset(0) });
        Refused("SplitEmpty", "test split", Config, Data with { Test = new SquaresDataset(0) });
    }

    [Fact]
    public void An_epoch_without_a_whole_batch_is_refused() =>
        Refused("NoTrainingBatch", "20 samples, fewer than the 32", Config with { Loader = new LoaderOptions { BatchSize = 32, DropLast = true } }, Data);

    [Fact]
    public void Images_of_other_channels_are_refused() =>
        Refused("ModelChannels", "model.in_channels is 1, but the images of the training split have 3", Config with { Model = new ModelConfig { InChannels = 1 } }, Data);

    [Fact]
    public void Images_too_small_for_the_model_are_refused() =>
        Refused("ModelImageSize", "8x8", Config, Data with { Test = new SquaresDataset(4, side: 8) });

    [Fact]
    public void An_unknown_score_is_refused() =>
        Refused("ScoreUnknown", "trainer.best_metric names 'f2', but the scores are f1, iou", Config with { Trainer = new TrainerConfig { BestMetric = "f2" } }, Data);

    [Theory]
    [InlineData("cuda:99")]
    [InlineData("cuda:2147483647")]
    public void A_cuda_device_that_is_not_there_is_refused(string device) =>
        Refused("DeviceNotFound", $"device is '{device}', but this build's libtorch computes on the CPU only", Config with { Device = device }, Data);

    [Theory]
    [InlineData(0, false, "12.8", "build with -p:TorchSharpPackage=TorchSharp-cuda-")]
    [InlineData(0, true, null, "there is no NVIDIA driver on this machine")]
    [InlineData(0, true, "11.4", "the NVIDIA driver supports CUDA 11.4 and this libtorch needs 12.8; install a newer driver")]
    [InlineData(0, true, "13.0", "torch sees no CUDA device on this machine")]
    [InlineData(1, true, "12.8", "torch sees only cuda:0")]
    [InlineData(4, true, "12.8", "torch sees only cuda:0 to cuda:3")]
    public void Why_there_is_no_such_cuda_device(int count, bool hasCuda, string? driver, string expected) =>
        Assert.Contains(expected, DeviceSelection.Found(count, hasCuda, driver is null ? null : Version.Parse(driver)));

    [Fact]
    public void A_device_of_another_kind_is_refused() => Refused("DeviceUnknown", "'tpu'", Config with { Device = "tpu" }, Data);

    [Fact]
    public void A_warm_up_longer_than_the_training_is_refused() =>
        Refused("ScheduleWarmupTooLong", "20 steps", Config with { Schedule = new ScheduleConfig { WarmupSteps = 20 } }, Data);

    [Fact]
    public void An_unknown_data_set_is_refused()
    {
        RunException refused = Assert.Throws<RunException>(() => TrainingPlan.Create(Config with { Data = new DataConfig { Dataset = "cifar", Path = "." } }));
        Assert.Equal("DatasetUnknown", refused.ErrorId);
    }

    private static void Refused(string errorId, string sentence, TrainingConfig config, DataSplits data)
    {
        RunException refused = Assert.Throws<RunException>(() => TrainingPlan.Create(config, data));
        Assert.Equal((ExitCode.Configuration, errorId), (refused.ExitCode, refused.ErrorId));
        Assert.Contains(sentence, refused.Message);
    }
}
