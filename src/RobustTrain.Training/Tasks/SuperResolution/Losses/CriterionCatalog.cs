using System.ComponentModel.DataAnnotations;
using RobustTrain.Data;
using RobustTrain.Runs;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Native;
using static RobustTrain.Training.Configuration.TrainingConfigRules;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks.SuperResolution.Losses;

/// <summary>The losses of super-resolution that a configuration can name.</summary>
public static class CriterionCatalog
{
    private const string Sum = "sum";
    private const string PerceptualName = "perceptual";

    private static readonly Dictionary<string, Func<CriterionConfig, Device, ImageLoss>> s_factories = new(StringComparer.Ordinal)
    {
        ["l1"] = (_, _) => PointLoss.L1(),
        ["mse"] = (_, _) => PointLoss.Mse(),
        ["charbonnier"] = (config, _) => PointLoss.Charbonnier(config.CharbonnierEpsilon),
        ["ms-ssim-l1"] = (config, device) => new MsSsimL1(config.MsSsimShare, device),
        [PerceptualName] = (config, device) => new Perceptual(config.PerceptualPath!, LayersOf(config), device),
    };

    /// <summary>The names that <c>criterion.name</c> can have.</summary>
    public static IReadOnlyCollection<string> Names { get; } = [.. s_factories.Keys, Sum];

    /// <summary>The names that <c>criterion.terms</c> can have.</summary>
    public static IReadOnlyCollection<string> TermNames => s_factories.Keys;

    /// <summary>Makes the loss.</summary>
    /// <param name="config">What the configuration says of it.</param>
    /// <param name="device">Where the images will be.</param>
    /// <exception cref="RunException">It can't be made (<c>CriterionUnknown</c>, <c>PerceptualWeights</c>).</exception>
    public static ImageLoss Create(CriterionConfig config, Device device)
    {
        if (config.Name != Sum)
            return Term(config.Name);
        IReadOnlyList<string> terms = config.Terms!;
        return new WeightedSum([.. terms.Select((name, i) => (Term(name), config.TermWeights?[i] ?? 1))]);

        ImageLoss Term(string name) => s_factories.TryGetValue(name, out Func<CriterionConfig, Device, ImageLoss>? create)
            ? create(config, device)
            : throw new RunException(ExitCode.Configuration, "CriterionUnknown", $"criterion.name is '{name}', but must be one of {string.Join(", ", Names)}.", name);
    }

    /// <summary>Checks what the configuration alone can't tell: the files that the loss needs, and the sides of the images that a discriminator is to judge.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="height">The height of the images that are compared.</param>
    /// <param name="width">Their width.</param>
    /// <exception cref="RunException">They don't fit (<c>PerceptualWeights</c>, <c>DiscriminatorImageSize</c>).</exception>
    public static void Check(TrainingConfig config, int height, int width)
    {
        if (config.Gan.Loss != GanConfig.None && (height % UNetDiscriminator.Stride != 0 || width % UNetDiscriminator.Stride != 0))
        {
            throw new RunException(
                ExitCode.Configuration, "DiscriminatorImageSize",
                $"The discriminator (gan.loss: {config.Gan.Loss}) does not fit images of {height}x{width} pixels (height x width): it halves them 3 times and doubles them again, so each side must divide by {UNetDiscriminator.Stride}; set data.crop_size.", "data.crop_size");
        }

        using ImageLoss loss = Create(config.Criterion, CPU);
    }

    /// <summary>What the keys of losses demand of each other.</summary>
    internal static IEnumerable<ValidationResult> FindConflicts(TrainingConfig config)
    {
        CriterionConfig criterion = config.Criterion;
        IReadOnlyList<string> terms = criterion.Name == Sum ? criterion.Terms ?? [] : [criterion.Name];
        if (criterion.Name == Sum && terms.Count == 0)
            yield return Conflict("criterion.terms", $"'criterion.terms' names no loss, but 'criterion.name' is {Sum}, so it must list those that are added up.");
        if (criterion.Name != Sum && criterion.Terms is not null)
            yield return Conflict("criterion.terms", $"'criterion.terms' is given, but 'criterion.name' is {criterion.Name}, so it would not be used; set 'criterion.name: {Sum}'.");
        if (criterion.TermWeights is { } weights && weights.Count != (criterion.Terms?.Count ?? 0))
            yield return Conflict("criterion.term_weights", $"'criterion.term_weights' has {weights.Count} weights, but 'criterion.terms' has {criterion.Terms?.Count ?? 0}.");
        if (terms.Contains(PerceptualName) && criterion.PerceptualPath is null)
            yield return Conflict("criterion.perceptual_path", $"'criterion.perceptual_path' is not given, but the loss {PerceptualName} needs the weights of VGG19: a safetensors file with torchvision's names.");
        if (!terms.Contains(PerceptualName) && criterion.PerceptualPath is not null)
            yield return Conflict("criterion.perceptual_path", $"'criterion.perceptual_path' is given, but no loss is {PerceptualName}, so it would not be used.");
        if (terms.Contains(PerceptualName) && config.Model.InChannels != 3)
            yield return Conflict("model.in_channels", $"'model.in_channels' is {config.Model.InChannels}, but the loss {PerceptualName} compares RGB images, which have 3.");
        if (criterion.PerceptualLayers.Count == 0 || criterion.PerceptualLayers.Distinct().Count() < criterion.PerceptualLayers.Count)
            yield return Conflict("criterion.perceptual_layers", "'criterion.perceptual_layers' must list one layer or more, each once.");
        if (criterion.PerceptualLayerWeights is { } layers && layers.Count != criterion.PerceptualLayers.Count)
            yield return Conflict("criterion.perceptual_layer_weights", $"'criterion.perceptual_layer_weights' has {layers.Count} weights, but 'criterion.perceptual_layers' has {criterion.PerceptualLayers.Count}.");
        if (config.Gan.Loss != GanConfig.None && config.Data.CropSize is int side && side % UNetDiscriminator.Stride != 0)
            yield return Conflict("data.crop_size", $"'data.crop_size' is {side}, but 'gan.loss' is {config.Gan.Loss}, whose discriminator takes sides that divide by {UNetDiscriminator.Stride}.");
    }

    private static Dictionary<string, double> LayersOf(CriterionConfig config) => config.PerceptualLayers
        .Select((layer, i) => (Layer: layer, Weight: config.PerceptualLayerWeights?[i] ?? 1)).ToDictionary(item => item.Layer, item => item.Weight);
}

/// <summary>Makes the loss of a training: that of the criterion, and beside it, where one is asked for, that of a discriminator, whose state it keeps.</summary>
/// <param name="config">The criterion, and the discriminator.</param>
/// <param name="targetField">The field of the images that the network's should equal.</param>
internal sealed class CriterionSetup(TrainingConfig config, string targetField) : ILossSetup
{
    private readonly Adversary? _adversary = config.Gan.Loss == GanConfig.None ? null : new Adversary(config, DeviceSelection.Find(config.Device));

    /// <inheritdoc/>
    public ITrainingLoss Create(IBatchLoader training, Device device)
    {
        ImageLoss loss = CriterionCatalog.Create(config.Criterion, device);
        return _adversary is null ? new TargetLoss(loss, targetField) : new AdversarialLoss(loss, _adversary, targetField);
    }

    /// <inheritdoc/>
    public void Save(CheckpointDraft draft) => _adversary?.Save(draft);

    /// <inheritdoc/>
    public void Load(CheckpointArchive archive) => _adversary?.Load(archive);

    /// <inheritdoc/>
    public void BeginStage(CheckpointArchive former) => _adversary?.BeginStage(former);

    /// <inheritdoc/>
    public void Dispose() => _adversary?.Dispose();

    private sealed class TargetLoss(ImageLoss loss, string targetField) : ITrainingLoss
    {
        public Tensor Compute(Tensor output, BatchTensors batch) => loss.Compute(output, batch[targetField]);

        public void Dispose() => loss.Dispose();
    }
}
