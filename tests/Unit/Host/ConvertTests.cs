using RobustTrain.Configuration;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Tests.Host;

public sealed class ConvertTests : IDisposable
{
    private const string Options = """
        name: mine
        scale: 2
        use_amp: true
        manual_seed: 7
        num_gpu: auto
        high_order_degradation: true
        blur_prob: 0.5
        resize_prob: [0.2, 0.6, 0.2]
        jpeg_prob: 1.0
        jpeg_range2: [40, 90]
        datasets:
          train:
            name: theirs
            type: realesrgandataset
            dataroot_gt: [hr/one, hr/two]
            io_backend:
              type: disk
            blur_sigma2: [0.3, 1.5]
            lq_size: 32
            use_hflip: true
            use_rot: false
            num_worker_per_gpu: 3
            batch_size_per_gpu: 6
            accum_iter: 2
            dataset_enlarge_ratio: auto
            prefetch_mode: ~
          val:
            name: theirs
            type: pairedimagedataset
            dataroot_gt: [val/hr]
            dataroot_lq: [val/lr]
        network_g:
          type: UltraCompact
        network_d:
          type: unetdiscriminatorsn
        path:
          pretrain_network_g: weights.pth
        train:
          ema_decay: 0.999
          grad_clip: false
          optim_g:
            type: AdamW
            lr: !!float 2e-4
            weight_decay: 0
            betas: [0.9, 0.99]
          optim_d:
            type: AdamW
            lr: !!float 1e-4
          scheduler:
            type: MultiStepLR
            milestones: [100, 200]
            gamma: 0.5
          total_iter: 500
          warmup_iter: -1
          losses:
            - type: L1Loss
              loss_weight: 1.0
            - type: MSSSIML1Loss
              alpha: 0.1
              loss_weight: 0.5
            - type: GANLoss
              gan_type: vanilla
              loss_weight: 0.1
            - type: DISTSLoss
              loss_weight: 0
        val:
          val_enabled: true
          val_freq: 1000
          metrics:
            psnr:
              type: calculate_psnr
              crop_border: 4
              test_y_channel: true
        logger:
          save_checkpoint_freq: 250
          use_tb_logger: true
        """;

    private readonly TemporaryFolder _folder = new();

    public ConvertTests() => File.WriteAllText(_folder.At("options.yml"), Options);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_has_a_counterpart_is_taken_and_all_else_is_named()
    {
        HostRun run = await HostRun.To(_folder.Path, "config", "convert", "options.yml", "--output", "mine.yaml");

        Assert.Equal(0, run.ExitCode);
        TrainingConfig config = ConfigurationReader.Read<TrainingConfig>(_folder.At("mine.yaml"), []);
        Assert.Equal(("super-resolution", "mine", 7, "auto", 2), (config.Task, config.Name, config.Seed, config.Device, config.Model.Scale));
        Assert.Equal(("srvggnet-compact", 64, 8), (config.Model.Name, config.Model.Features, config.Model.Blocks));
        Assert.Equal((64, "hr/one", "val/hr", "val/hr", "val/lr"), (config.Data.CropSize, config.Data.GtFolders.Train, config.Data.GtFolders.Val, config.Data.GtFolders.Test, config.Data.LqFolders.Val));
        Assert.Equal((0.5, false, 3, 6, 2), (config.Data.Augmentation.HorizontalFlip, config.Data.Augmentation.Rotate, config.Loader.NumWorkers, config.Loader.BatchSize, config.Trainer.Accumulate));
        Assert.Equal(("second-order", 0.5), (config.Data.Degradation.Name, config.Data.Degradation.First.BlurProbability));
        Assert.Equal([0.2, 0.6, 0.2], config.Data.Degradation.First.ResizeProbabilities);
        Assert.Equal([0.3, 1.5], config.Data.Degradation.Second.BlurSigma);
        Assert.Equal([40, 90], config.Data.Degradation.Second.JpegRange);
        Assert.Equal(("adamw", 2e-4, 0.0, 0.9, 0.99), (config.Optimizer.Name, config.Optimizer.LearningRate, config.Optimizer.WeightDecay, config.Optimizer.Beta1, config.Optimizer.Beta2));
        Assert.Equal(("constant", 0, 500, 0.999, 250), (config.Schedule.Name, config.Schedule.WarmupSteps, config.Trainer.TotalIter, config.Trainer.EmaDecay, config.Checkpoint.EverySteps));
        Assert.Equal(("sum", 0.1, "psnr_y"), (config.Criterion.Name, config.Criterion.MsSsimShare, config.Trainer.BestMetric));
        Assert.Equal(["l1", "ms-ssim-l1"], config.Criterion.Terms!);
        Assert.Equal([1, 0.5], config.Criterion.TermWeights!);
        Assert.Equal(("vanilla", 0.1, 1e-4), (config.Gan.Loss, config.Gan.Weight, config.Gan.DiscriminatorLearningRate));
        string[] named = [.. run.Sentences.Select(sentence => sentence.Split(": ")[2])];
        Assert.Equal(["datasets.train.dataroot_gt", "path.pretrain_network_g", "train.scheduler.type", "train.scheduler.milestones", "train.scheduler.gamma", "val.val_freq", "val.metrics.psnr.crop_border"], named);
        Assert.Contains("No counterpart: line 15: datasets.train.dataroot_gt: hr/two (a split has one folder; this one is left out).", run.Sentences);
        Assert.Contains("precision: fp16", await File.ReadAllTextAsync(_folder.At("mine.yaml")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_is_printed_without_an_output_and_overwrites_nothing()
    {
        HostRun printed = await HostRun.To(_folder.Path, "config", "convert", "options.yml");
        Assert.Contains("task: super-resolution", printed.Output, StringComparison.Ordinal);

        HostRun refused = await HostRun.To(_folder.Path, "config", "convert", "options.yml", "--output", "options.yml");
        Assert.Equal((2, $"The file '{_folder.At("options.yml")}' is there already; --force overwrites it."), (refused.ExitCode, Assert.Single(refused.Sentences)));
        Assert.Equal(Options, File.ReadAllText(_folder.At("options.yml")));
    }

    [Theory]
    [InlineData("a: [1", "options.yml, line ")]
    [InlineData("just text", "has no keys; a YAML file with keys is expected.")]
    [InlineData(null, "does not exist")]
    public async Task What_is_no_option_file_is_refused(string? text, string said)
    {
        if (text is null)
            File.Delete(_folder.At("options.yml"));
        else
            File.WriteAllText(_folder.At("options.yml"), text);

        HostRun run = await HostRun.To(_folder.Path, "config", "convert", "options.yml");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(said, Assert.Single(run.Sentences), StringComparison.Ordinal);
    }
}
