using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using RobustTrain.Configuration;
using RobustTrain.Data;
using RobustTrain.Runs;

namespace RobustTrain.Training.Configuration;

/// <summary>
/// Everything that a run is told. In YAML the keys are these properties' names in snake case; the descriptions,
/// ranges and allowed values on the properties are what <c>robusttrain config</c> documents and checks.
/// </summary>
public sealed record TrainingConfig : IRunConfiguration, IPresetConfiguration, IValidatableObject
{
    [Description("A name for people, shown by Get-TrainingRun.")]
    [FreeOnResume]
    public string Name { get; init; } = "run";

    [Description("What is learned. Keys that are not given have the defaults that suit it: robusttrain config new --task NAME shows them.")]
    [TaskName]
    [NameOfPlugin]
    public string Task { get; init; } = "change-detection";

    [Description("The seed from which every other seed (weights, order, augmentation, dropout) is derived.")]
    [Range(0, long.MaxValue)]
    [ConfigurationAlias("manual_seed")]
    [ConfigurationAlias("init_seed")]
    public long Seed { get; init; }

    [Description("A seed for each epoch, from which its order, augmentation and dropout are derived in place of seed; null derives them all from seed. There must be one for each of trainer.epochs; more are not used.")]
    [Range(0, long.MaxValue)]
    [ConfigurationAlias("train_seeds")]
    public IReadOnlyList<long>? EpochSeeds { get; init; }

    [Description("Where the network runs: cpu, cuda, cuda:N, or auto (the first CUDA device, else the CPU).")]
    [RegularExpression("cpu|cuda(:[0-9]+)?|auto", ErrorMessage = "cpu, cuda, cuda:N with a number N, or auto")]
    public string Device { get; init; } = "cpu";

    [Description("CPU threads of one operator; null takes all cores. The bits of a result depend on it.")]
    [Range(1, 1024)]
    public int? Threads { get; init; }

    [Description("C# assemblies with networks, losses, scores, datasets or tasks of your own, whose names are then PLUGIN:NAME (docs/plugins.md). They run with all rights of this user. A relative path starts at the current directory.")]
    [ConfigurationPath]
    public IReadOnlyList<string> Plugins { get; init; } = [];

    [Description("The network.")]
    public ModelConfig Model { get; init; } = new();

    [Description("The dataset, its splits and its augmentation.")]
    public DataConfig Data { get; init; } = new();

    [Description("How samples are loaded ahead of the training step.")]
    public LoaderOptions Loader { get; init; } = new();

    [Description("What is minimised.")]
    public CriterionConfig Criterion { get; init; } = new();

    [Description("How the weights follow the gradient.")]
    public OptimizerConfig Optimizer { get; init; } = new();

    [Description("How the learning rate changes over the steps.")]
    public ScheduleConfig Schedule { get; init; } = new();

    [Description("The training loop.")]
    public TrainerConfig Trainer { get; init; } = new();

    [Description("What is kept on disk to go on from.")]
    public CheckpointConfig Checkpoint { get; init; } = new();

    [Description("Which epoch is best, and when no better one is awaited any more.")]
    public SelectionConfig Selection { get; init; } = new();

    [Description("What is done where a loss or a gradient goes wrong, or memory is short.")]
    public NumericsConfig Numerics { get; init; } = new();

    [Description("Training against a discriminator (a GAN).")]
    public GanConfig Gan { get; init; } = new();

    [Description("Later parts of the training, each with the sections and keys that change when it begins and hold from then on: epoch-N begins after N epochs, step-N, with trainer.total_iter, after N steps. Loss, optimiser, schedule, data, loader, frozen parameters and more may change, the network may not. Each has a schedule of its own, over its own steps; the optimiser's state goes on where it fits, and which epoch is best begins anew (docs/guide.md).")]
    [RegularExpression("epoch-[1-9][0-9]*|step-[1-9][0-9]*", ErrorMessage = "epoch-N or step-N")]
    [ConfigurationSettings(
        "criterion.", "optimizer.", "schedule.", "data.", "loader.", "gan.", "numerics.",
        "trainer.accumulate", "trainer.clip_norm", "trainer.clip_value", "trainer.clip_adaptive", "trainer.ema_decay", "trainer.freeze",
        "trainer.micro_batch", "trainer.precision", "trainer.validate_every",

        // What the network and its scores are tied to from the first step to the last prediction.
        Except = ["criterion.ignore_index", "data.dataset", "data.mean", "data.std", "data.validation_sets", "data.label_palette", "gan.features"])]
    public IReadOnlyDictionary<string, IReadOnlyList<string>>? Stages { get; init; }

    int IRunConfiguration.Epochs => Trainer.Epochs;

    string IRunConfiguration.BestMetric => Trainer.BestMetric;

    IReadOnlyList<string> IRunConfiguration.ScoreNames => [.. TaskCatalog.DefinitionOf(this).Scores.Select(score => score.Name)];

    string? IRunConfiguration.EpochsBound => Trainer.TotalIter is not null ? "trainer.total_iter decides"
        : TrainingStages.Last(this).Schedule.Name is var last and not ("constant" or "step") ? $"the learning rate of schedule.name: {last} depends on it" : null;

    /// <summary>What holds at the training's end, without stages: how its network is scored and used.</summary>
    /// <exception cref="ConfigurationException">A setting of a stage is wrong.</exception>
    public TrainingConfig AtEnd() => TrainingStages.Last(this);

    IEnumerable<string> IPresetConfiguration.Presets => [.. TaskCatalog.DefinitionOf(this).Presets, .. TaskCatalog.DefinitionOf(this).PresetsOf(this)];

    /// <summary>What keys demand of each other, as far as the configuration alone can tell.</summary>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) => TrainingConfigRules.Check(this);
}

/// <summary>The network.</summary>
public sealed record ModelConfig
{
    [Description("The architecture: fc-siam-diff or fc-siam-conc (Daudt, Le Saux, Boulch, ICIP 2018), or hanet (Han et al., JSTARS 2023); segmentation: unet (Ronneberger et al., MICCAI 2015) or deeplabv3 (Chen et al., 2017); classification: resnet18, resnet34 or resnet50 (He et al., CVPR 2016); super-resolution: srvggnet-compact (Real-ESRGAN's small network, Wang et al., 2021), edsr or edsr-baseline (Lim et al., CVPRW 2017), span (Wan et al., CVPRW 2024), or rrdbnet (ESRGAN, Wang et al., ECCVW 2018).")]
    [ModelName]
    [NameOfPlugin]
    public string Name { get; init; } = "fc-siam-diff";

    [Description("A network of your own in place of name: a TorchScript file (Python: torch.jit.script(network).save(...)) whose forward takes what the task has, in batches N x in_channels x H x W (change detection: image1, image2), and gives logits N x classes x H x W, of whole images N x classes, or images. Training begins with the file's weights; name, base_channels, dropout and evaluation_statistics mean nothing then. A relative path starts at the current directory.")]
    [ConfigurationPath]
    public string? Path { get; init; }

    [Description("Channels of one image: 3 for RGB, 1 for grey.")]
    [Range(1, 64)]
    public int InChannels { get; init; } = 3;

    [Description("Classes of the label, the unchanged ground (0) included; at most 255 where labels are images. classification takes the number of the classes' folders where none is given.")]
    [Range(2, 1_000_000)]
    public int Classes { get; init; } = 2;

    [Description("Channels of the first stage; each of the next has twice as many, up to 8 times. HANet's own value is 40, that of unet, deeplabv3 and residual networks 64.")]
    [Range(1, 512)]
    public int BaseChannels { get; init; } = 16;

    [Description("Probability with which Dropout2d drops a channel (unet: at the bottom), and Dropout a value of deeplabv3; hanet and residual networks have no dropout.")]
    [Range(0.0, 0.95)]
    public double Dropout { get; init; } = 0.2;

    [Description("Statistics that the batch normalisation of the encoder evaluates with: training (running means of the training's batches) or image (those of each image itself, for light that the training has not seen).")]
    [AllowedValues("training", "image")]
    public string EvaluationStatistics { get; init; } = "training";

    [Description("segmentation: the residual network below deeplabv3: resnet18, resnet34 or resnet50 (He et al., CVPR 2016).")]
    [AllowedValues("resnet18", "resnet34", "resnet50")]
    public string Backbone { get; init; } = "resnet50";

    [Description("classification: how a residual network begins: standard (7x7 convolution with stride 2, then pooling) or small (3x3 with stride 1 and no pooling, for images of about 32 to 64 pixels).")]
    [AllowedValues("standard", "small")]
    public string Stem { get; init; } = "standard";

    [Description("classification, segmentation: the classes' names, in the order of their numbers. classification takes the names of the training split's folders where none are given, and a run keeps them.")]
    public IReadOnlyList<string>? ClassNames { get; init; }

    [Description("super-resolution: by how much the sides of the output are longer than those of the input. rrdbnet takes 1, 2 or 4, edsr and edsr-baseline 2, 3, 4 or 8.")]
    [Range(1, 8)]
    public int Scale { get; init; } = 4;

    [Description("super-resolution: features (channels) of the network's body; null takes the authors' number: 64, with edsr 256, with span 48.")]
    [Range(1, 1024)]
    public int? Features { get; init; }

    [Description("super-resolution: blocks of the network's body; null takes the authors' number: 16 convolutions with srvggnet-compact (realesr-general-x4v3 has 32), 32 blocks with edsr, 16 with edsr-baseline, 23 with rrdbnet (6 in its anime variant); span always has 6.")]
    [Range(1, 256)]
    public int? Blocks { get; init; }
}

/// <summary>What is minimised.</summary>
public sealed record CriterionConfig
{
    [Description("cross-entropy, focal, dice, or focal-dice (their sum). Super-resolution: l1, mse, charbonnier, ms-ssim-l1 (Zhao et al., 2017), perceptual (VGG19's features), or sum (of terms).")]
    [CriterionName]
    [NameOfPlugin]
    public string Name { get; init; } = "cross-entropy";

    [Description("How classes are weighted: none, data (inversely to their share of the training labels), or given (class_weights).")]
    [AllowedValues("none", "data", "given")]
    public string Weighting { get; init; } = "none";

    [Description("One weight for each class, with weighting: given.")]
    public IReadOnlyList<double>? ClassWeights { get; init; }

    [Description("Focusing exponent of the focal loss (Lin et al., 2017).")]
    [Range(0.0, 10.0)]
    public double Gamma { get; init; } = 2.0;

    [Description("Label value that counts neither in the loss nor in the scores. With two classes 255 is class 1, as masks in black and white have it: what is unknown there needs another value, as 254.")]
    [Range(0, 255)]
    public int IgnoreIndex { get; init; } = 255;

    [Description("classification, segmentation: the share of a label that cross-entropy spreads over all classes (Szegedy et al., CVPR 2016).")]
    [Range(0.0, 0.9)]
    public double LabelSmoothing { get; init; }

    [Description("super-resolution: the losses that are added up, with name: sum.")]
    [AllowedValues("l1", "mse", "charbonnier", "ms-ssim-l1", "perceptual")]
    public IReadOnlyList<string>? Terms { get; init; }

    [Description("super-resolution: one weight for each of terms; null adds them as they are.")]
    [Range(0.0, 1e6)]
    public IReadOnlyList<double>? TermWeights { get; init; }

    [Description("super-resolution: e in charbonnier's sqrt(d * d + e * e), where d is the difference of two values in 0..1.")]
    [Range(1e-9, 1.0)]
    public double CharbonnierEpsilon { get; init; } = 1e-3;

    [Description("super-resolution: the share of MS-SSIM in ms-ssim-l1; L1 has the rest.")]
    [Range(0.0, 1.0)]
    public double MsSsimShare { get; init; } = 0.84;

    [Description("super-resolution: a safetensors file with the weights of VGG19 under torchvision's names (features.0.weight, ...), for perceptual.")]
    [ConfigurationPath]
    public string? PerceptualPath { get; init; }

    [Description("super-resolution: the layers of VGG19 whose features, before their activation, perceptual compares: conv1_1 to conv5_4. ESRGAN's is conv5_4; Real-ESRGAN's are conv1_2, conv2_2, conv3_4, conv4_4 and conv5_4.")]
    [RegularExpression("conv[12]_[12]|conv[345]_[1-4]", ErrorMessage = "conv1_1, conv1_2, conv2_1, conv2_2, conv3_1 to conv3_4, conv4_1 to conv4_4, or conv5_1 to conv5_4")]
    public IReadOnlyList<string> PerceptualLayers { get; init; } = ["conv5_4"];

    [Description("super-resolution: one weight for each of perceptual_layers; null weighs each 1. Real-ESRGAN's are 0.1, 0.1, 1, 1 and 1.")]
    [Range(0.0, 1e6)]
    public IReadOnlyList<double>? PerceptualLayerWeights { get; init; }
}

/// <summary>Training against a discriminator.</summary>
public sealed record GanConfig
{
    internal const string None = "none";
    internal const string Vanilla = "vanilla";
    internal const string LeastSquares = "lsgan";
    internal const string Hinge = "hinge";

    [Description("super-resolution: how a discriminator (Real-ESRGAN's U-Net with spectral normalisation) judges images beside the criterion: none (there is no discriminator), vanilla (cross entropy), lsgan (squares) or hinge.")]
    [AllowedValues(None, Vanilla, LeastSquares, Hinge)]
    public string Loss { get; init; } = None;

    [Description("super-resolution: how much the discriminator's judgement weighs in what the network minimises, beside the criterion.")]
    [Range(0.0, 1e6)]
    public double Weight { get; init; } = 0.1;

    [Description("super-resolution: the discriminator's learning rate at the end of the warm-up; it follows schedule, and the rest of optimizer holds for both.")]
    [Range(0.0, 1000.0)]
    public double DiscriminatorLearningRate { get; init; } = 1e-4;

    [Description("super-resolution: the step from which on the discriminator learns and judges; before it the criterion alone counts.")]
    [Range(0, 1_000_000_000)]
    public int StartStep { get; init; }

    [Description("super-resolution: features of the discriminator at the images' own size; each of its three halvings doubles them.")]
    [Range(1, 512)]
    public int Features { get; init; } = 64;
}

/// <summary>How the weights follow the gradient.</summary>
public sealed record OptimizerConfig
{
    [Description("sgd, adam or adamw.")]
    [AllowedValues("sgd", "adam", "adamw")]
    public string Name { get; init; } = "adamw";

    [Description("Learning rate at the end of the warm-up.")]
    [Range(0.0, 1000.0)]
    public double LearningRate { get; init; } = 1e-3;

    [Description("Weight decay.")]
    [Range(0.0, 100.0)]
    public double WeightDecay { get; init; } = 1e-4;

    [Description("Momentum (sgd).")]
    [Range(0.0, 0.9999)]
    public double Momentum { get; init; } = 0.9;

    [Description("Decay of the first moment (adam, adamw).")]
    [Range(0.0, 0.9999)]
    public double Beta1 { get; init; } = 0.9;

    [Description("Decay of the second moment (adam, adamw).")]
    [Range(0.0, 0.99999)]
    public double Beta2 { get; init; } = 0.999;
}

/// <summary>How the learning rate changes over the steps.</summary>
public sealed record ScheduleConfig
{
    [Description("constant, polynomial, cosine or step; each follows a linear warm-up.")]
    [AllowedValues("constant", "polynomial", "cosine", "step")]
    public string Name { get; init; } = "polynomial";

    [Description("Steps over which the learning rate rises linearly from 0 to its value.")]
    [Range(0, 100_000_000)]
    public int WarmupSteps { get; init; }

    [Description("Exponent of the polynomial schedule.")]
    [Range(0.01, 10.0)]
    public double Power { get; init; } = 0.9;

    [Description("step: epochs between two reductions.")]
    [Range(1, 1_000_000)]
    public int StepEpochs { get; init; } = 30;

    [Description("step: factor of a reduction.")]
    [Range(0.0, 1.0)]
    public double Gamma { get; init; } = 0.1;
}

/// <summary>The training loop.</summary>
public sealed record TrainerConfig
{
    [Description("Epochs to train, where total_iter is null.")]
    [Range(1, 1_000_000)]
    public int Epochs { get; init; } = 10;

    [Description("Epochs between two validations; the last epoch is always validated.")]
    [Range(1, 1_000_000)]
    public int ValidateEvery { get; init; } = 1;

    [Description("Batches of validation and test that are computed at once, at most loader.prefetch_queue_length, which a greater number counts as: 1, or null, computes one after the other. The scores are the same.")]
    [Range(1, 1024)]
    [FreeOnResume]
    public int? EvaluationWorkers { get; init; } = 1;

    [Description("Samples of the validation split whose pictures each validation leaves in the run's epochs/NNNN/pictures: what came in, the truth, the prediction, and of maps how sure it is, each a PNG, with index.json. The same samples in every epoch, spread over the split; tiles become their whole image.")]
    [Range(0, 1000)]
    [FreeOnResume]
    public int ValidationPictures { get; init; }

    [Description("Score that decides which checkpoint is best: f1 and iou are those of class 1 where there are two classes, else their means; SET/f1 is that of a validation set.")]
    [ScoreName]
    [ScoreOfSet]
    public string BestMetric { get; init; } = "f1";

    [Description("Seconds between two step events in the journal.")]
    [Range(0.0, 3600.0)]
    [FreeOnResume]
    public double LogIntervalSeconds { get; init; } = 1.0;

    [Description("Batches whose gradients are accumulated into one step of the optimiser.")]
    [Range(1, 65536)]
    public int Accumulate { get; init; } = 1;

    [Description("Norm (L2, over all parameters) that a greater gradient is scaled down to; null clips none.")]
    [Range(1e-12, 1e12)]
    public double? ClipNorm { get; init; }

    [Description("Magnitude that each value of the gradient is cut to, after clip_norm; null cuts none.")]
    [Range(1e-12, 1e12)]
    public double? ClipValue { get; init; }

    [Description("Greatest ratio of a unit's gradient to its weights, norm by norm, after clip_norm (adaptive clipping, Brock et al., 2021); null cuts none.")]
    [Range(1e-9, 1e9)]
    public double? ClipAdaptive { get; init; }

    [Description("Parts into which each batch is cut, whichever rank computes them: each has randomness (dropout) and batch statistics of its own, and what they give is added up in a fixed order, so that all numbers of ranks that divide it give the same bits. 1 computes whole batches, on one rank.")]
    [Range(1, 65536)]
    public int Shards { get; init; } = 1;

    [Description("Whether batch normalisation takes the mean and the variance of the whole batch where shards is above 1, not of each shard: worth it where a shard has too few samples for its own. Costs an exchange between the ranks for each such layer, forward and backward; all shards of a rank are in memory at once. On GPUs it takes a rank for each shard.")]
    public bool SynchronizedBatchNorm { get; init; }

    [Description("Steps between two comparisons of the ranks' weights; ranks that have drifted apart end the run with exit code 4, naming the first parameter that differs. null compares none; a run of one rank has nothing to compare.")]
    [Range(1, 1_000_000_000)]
    [FreeOnResume]
    public int? DriftCheckSteps { get; init; } = 100;

    [Description("Samples that are computed at once; a batch of more is computed in parts whose gradients add up, and batch normalisation sees the parts. null computes whole batches, as long as memory holds them (numerics.on_out_of_memory).")]
    [Range(1, 65536)]
    public int? MicroBatch { get; init; }

    [Description("Decay, for each step, of an exponential moving average of the weights, which validation, test and evaluation then use; null keeps none.")]
    [Range(0.0, 0.999999999)]
    public double? EmaDecay { get; init; }

    [Description("Whether torch may use deterministic algorithms only; an operator that has none ends the run. The CPU needs it not: there, fixed threads suffice.")]
    public bool Deterministic { get; init; }

    [Description("Bits in which the network computes: fp32; or bf16 or fp16 where these are enough, with the weights, the loss and the optimiser in fp32 (mixed precision). fp16 multiplies the loss so that small gradients are not lost, and leaves out the steps that this makes too large. Worth it on GPUs, and on CPUs with instructions for it.")]
    [AllowedValues("fp32", "bf16", "fp16")]
    public string Precision { get; init; } = "fp32";

    [Description("Whether autograd names the operation whose backward pass made a NaN; slow, to find a fault.")]
    [FreeOnResume]
    public bool DetectAnomaly { get; init; }

    [Description("Patterns of parameter names that are not learned; * stands for any text, as in conv1*.")]
    public IReadOnlyList<string> Freeze { get; init; } = [];

    [Description("A run's or a checkpoint's folder, or a safetensors file, whose weights the training starts from; null starts from random ones. Where they are for another number of classes, as public weights mostly are, the last layer, which tells the classes, begins at random, with a warning; any other difference is refused.")]
    [ConfigurationPath]
    public string? StartFrom { get; init; }

    [Description("Seconds after which a step that has not ended ends the process, exit code 1, with the checkpoints as they are; null waits for ever.")]
    [Range(1.0, 1_000_000.0)]
    [FreeOnResume]
    public double? StepTimeoutSeconds { get; init; }

    [Description("Seconds after which a rank of which nothing is heard is taken for lost, and the others end to go on from the newest checkpoint; a rank that lives but is slow is only warned of.")]
    [Range(1.0, 86400.0)]
    [FreeOnResume]
    public double RankTimeoutSeconds { get; init; } = 30;

    [Description("Steps to train, in place of epochs: the training goes through the data until so many are done, and its last epoch ends with the last of them; schedules count to it.")]
    [Range(1, 1_000_000_000)]
    public int? TotalIter { get; init; }
}

/// <summary>What is kept on disk to go on from.</summary>
public sealed record CheckpointConfig
{
    [Description("Which checkpoints stay beside the latest, the best and those that stand in for them should they be damaged: latest (no other), all, or every (each keep_every epochs).")]
    [AllowedValues("latest", "all", "every")]
    [FreeOnResume]
    public string Keep { get; init; } = "latest";

    [Description("Epochs between two checkpoints that stay, with keep: every.")]
    [Range(1, 1_000_000)]
    [FreeOnResume]
    public int KeepEvery { get; init; } = 10;

    [Description("Steps between two checkpoints within an epoch; null takes none by steps.")]
    [Range(1, 1_000_000_000)]
    [FreeOnResume]
    public int? EverySteps { get; init; }

    [Description("Seconds between two checkpoints within an epoch; null takes none by time.")]
    [Range(0.1, 1_000_000.0)]
    [FreeOnResume]
    public double? EverySeconds { get; init; } = 600;
}

/// <summary>Which epoch is best, and when no better one is awaited any more.</summary>
public sealed record SelectionConfig
{
    [Description("weighted: by the weighted sum of the metrics; partial: an epoch is better only where it is at least as good in every metric and better in one.")]
    [AllowedValues("weighted", "partial")]
    public string Order { get; init; } = "weighted";

    [Description("Scores that are compared (f1, iou, precision, recall, accuracy, mean_f1, mean_iou, mean_precision, mean_recall), or SET/f1 and so on for those of a validation set; null takes trainer.best_metric alone.")]
    [ScoreName]
    [ScoreOfSet]
    public IReadOnlyList<string>? Metrics { get; init; }

    [Description("One weight for each metric, with order: weighted; null weighs them alike.")]
    public IReadOnlyList<double>? Weights { get; init; }

    [Description("Epochs that may pass without a better one before the training ends early, which only an epoch that is validated decides; null always trains all.")]
    [Range(1, 1_000_000)]
    public int? Patience { get; init; }
}

/// <summary>What is done where a loss or a gradient goes wrong, or memory is short.</summary>
public sealed record NumericsConfig
{
    [Description("After a loss or gradient that is NaN, infinite or a spike: fail (exit code 4), skip (leave that step out), or rollback (go back to the last epoch's checkpoint with a lower learning rate).")]
    [AllowedValues("fail", "skip", "rollback")]
    [FreeOnResume]
    public string OnFailure { get; init; } = "fail";

    [Description("Steps that may be skipped, or rollbacks that may be made, before the run ends with exit code 4.")]
    [Range(1, 1_000_000)]
    [FreeOnResume]
    public int MaxFailures { get; init; } = 10;

    [Description("Factor of the learning rate after each rollback.")]
    [Range(0.001, 1.0)]
    public double RollbackFactor { get; init; } = 0.5;

    [Description("A loss above this many times the median of the last 50 is a spike, treated as a failure; null knows no spikes.")]
    [Range(1.0, 1e9)]
    public double? SpikeFactor { get; init; }

    [Description("Where memory is short: split (halve the part of a batch that is computed at once, accumulating its gradients, down to one sample) or fail (exit code 5).")]
    [AllowedValues("split", "fail")]
    public string OnOutOfMemory { get; init; } = "split";
}
