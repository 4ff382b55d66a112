using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Runtime.InteropServices;
using RobustTrain.Configuration;
using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Datasets.ImageFolders;
using RobustTrain.Data.Imaging;
using RobustTrain.Runs;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Onnx;
using RobustTrain.Training.Tasks.Classification.Metrics;
using RobustTrain.Training.Tasks.Classification.Models;
using RobustTrain.Training.Tasks.ClassLabels;
using RobustTrain.Training.Tasks.ClassLabels.Losses;
using RobustTrain.Training.Tasks.ImageNetworks;
using static RobustTrain.Training.Configuration.TrainingConfigRules;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks.Classification;

/// <summary>Classification: images, N x C x H x W (float32), and the class of each, N.</summary>
/// <param name="config">The configuration.</param>
internal sealed class ClassificationTask(TrainingConfig config) : CatalogTask<ImageModel>(config, ModelCatalog.Networks)
{
    private const string Image = "image";
    private const string Label = "label";

    // There is no label that does not count.
    private const int NoIndex = -100;

    private static readonly Dictionary<string, Func<TrainingConfig, DatasetSplit, SampleView, ImageCache?, ImageFoldersDataset>> s_datasets = new(StringComparer.Ordinal)
    {
        ["image-folders"] = OpenImageFolders,
    };

    /// <summary>What the catalogue knows of it.</summary>
    public static TaskDefinition Definition { get; } = new()
    {
        Name = "classification",
        Models = [.. ModelCatalog.Networks.Names],
        NetworkOf = ModelCatalog.Networks.Find,
        Datasets = s_datasets.Keys,
        Criteria = ["cross-entropy", "focal"],
        Scores = ClassificationScores.Definitions,
        Presets =
        [
            "data.dataset=image-folders", "data.crop_size=null", "data.augmentation.rotate=false", "data.augmentation.vertical_flip=0",
            "model.name=resnet18", "model.base_channels=64", "trainer.best_metric=accuracy",
        ],
        PresetsOf = ClassesOf,
        Rules = Check,
        Create = config => new ClassificationTask(config),
    };

    /// <inheritdoc/>
    public override IReadOnlyList<SampleField> Fields { get; } = [new(Image, 3, "the images"), new(Label, 0)];

    /// <inheritdoc/>
    public override IReadOnlyList<ScoreDefinition> Scores => ClassificationScores.Definitions;

    /// <inheritdoc/>
    public override PredictionForm Prediction => new PredictionForm.Label(
        Config.Model.ClassNames ?? [.. Enumerable.Range(0, Config.Model.Classes).Select(number => number.ToString(CultureInfo.InvariantCulture))]);

    /// <inheritdoc/>
    public override IDataset Open(DatasetSplit split, SampleView view)
    {
        SplitFields.CheckNormalization(Config.Data);
        return s_datasets[Config.Data.Dataset](Config, split, view, Cache.Value);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<ValidationSet> ValidationSetsOf(IDataset validation) =>
        ValidationSetList.Of(Config.Data, lists => ImageFoldersLists.NamesIn((ImageFoldersDataset)validation, lists));

    /// <inheritdoc/>
    public override void CheckSplit(DatasetSplit split, IDataset dataset)
    {
        base.CheckSplit(split, dataset);
        if (dataset is ImageFoldersDataset folders && folders.ClassNames.Count != Config.Model.Classes)
        {
            throw new RunException(
                ExitCode.Configuration, "ModelClasses",
                $"model.classes is {Config.Model.Classes}, but the folder '{Config.Data.Path}' has {folders.ClassNames.Count} classes.", "model.classes");
        }
    }

    /// <inheritdoc/>
    public override Tensor Forward(nn.Module model, BatchTensors batch) => ((ImageModel)model).call(batch[Image]);

    /// <inheritdoc/>
    public override int? ImageSide => Config.Data.ImageSize;

    /// <inheritdoc/>
    public override Tensor Predict(Tensor output) => nn.functional.softmax(output, 1);

    /// <inheritdoc/>
    public override void Describe(nn.Module model, OnnxGraph graph, IReadOnlyList<string> shape)
    {
        string logits = ((ImageModel)model).Describe(graph, graph.Input(Image, shape));
        graph.Output("logits", logits, [shape[0], Config.Model.Classes.ToString(CultureInfo.InvariantCulture)]);
    }

    /// <inheritdoc/>
    public override ILossSetup CreateLossSetup() => new CriterionSetup(Config with { Criterion = Config.Criterion with { IgnoreIndex = NoIndex } }, Label);

    /// <inheritdoc/>
    public override IReadOnlyList<SampleResult> Score(Tensor output, BatchTensors batch, IReadOnlyList<string> names)
    {
        (float[] logits, long[] labels) = (Numbers(output), Labels(batch));
        return [.. names.Select((name, sample) => ScoreOf(logits.AsSpan(sample * Config.Model.Classes, Config.Model.Classes), (int)labels[sample], name))];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyList<SamplePicture>> Draw(Tensor output, BatchTensors batch)
    {
        using Tensor probabilities = Predict(output);
        (float[] shares, long[] labels) = (Numbers(probabilities), Labels(batch));
        return new LabelPictures(Config).Draw(batch[Image], labels, shares);
    }

    /// <inheritdoc/>
    public override ImageBuffer? DrawSummary(AggregatedScores scores) => ConfusionPicture.Draw(scores, Config.Model);

    /// <inheritdoc/>
    public override AggregatedScores Aggregate(IEnumerable<SampleResult> samples) =>
        ClassificationScores.Aggregate(samples.Cast<ClassificationScores.ClassifiedSample>(), Config.Model.Classes);

    // Of equal logits the class with the lower number comes first.
    private static ClassificationScores.ClassifiedSample ScoreOf(ReadOnlySpan<float> logits, int truth, string name)
    {
        int predicted = 0;
        int rank = 0;
        for (int c = 0; c < logits.Length; c++)
        {
            if (logits[c] > logits[predicted])
                predicted = c;
            if (logits[c] > logits[truth] || (logits[c] == logits[truth] && c < truth))
                rank++;
        }

        return new ClassificationScores.ClassifiedSample(name, truth, predicted, rank, logits.Length);
    }

    private static float[] Numbers(Tensor values)
    {
        using Tensor host = values.to(ScalarType.Float32).cpu().contiguous();
        return MemoryMarshal.Cast<byte, float>(host.bytes).ToArray();
    }

    private static long[] Labels(BatchTensors batch)
    {
        using Tensor host = batch[Label].to(ScalarType.Int64).cpu().contiguous();
        return MemoryMarshal.Cast<byte, long>(host.bytes).ToArray();
    }

    private static ImageFoldersDataset OpenImageFolders(TrainingConfig config, DatasetSplit split, SampleView view, ImageCache? cache)
    {
        DataConfig data = config.Data;
        return new ImageFoldersDataset(new ImageFoldersOptions
        {
            Path = data.Path,
            Split = split,
            ClassNames = config.Model.ClassNames,
            ImageSize = data.ImageSize,
            SmallestCropArea = data.SmallestCropArea,
            IsVaried = view == SampleView.Augmented,
            ValShare = data.ValShare,
            TestShare = data.TestShare,
            SplitSeed = data.SplitSeed,
            ConvertsImages = data.ConvertImages,
            Cache = cache,
            Augmentation = view == SampleView.Augmented ? data.Augmentation : new(),
            Mean = data.Mean,
            Std = data.Std,
        });
    }

    // What the folders' names say where the configuration doesn't, and no plug-in reads the data. A folder that can't be opened is reported when it is.
    private static IEnumerable<string> ClassesOf(TrainingConfig config)
    {
        IReadOnlyList<string>? names = config.Model.ClassNames;
        if (names is null && !config.Data.Dataset.Contains(':', StringComparison.Ordinal))
        {
            try
            {
                names = ImageFoldersLayout.ClassNamesIn(config.Data.Path);
            }
            catch (DatasetException)
            {
                return [];
            }
        }

        return names is null ? [] : [$"model.classes={names.Count.ToString(CultureInfo.InvariantCulture)}", $"model.class_names={ConfigurationWriter.Quote(names)}"];
    }

    private static IEnumerable<ValidationResult> Check(TrainingConfig config)
    {
        DataConfig data = config.Data;
        (string Key, bool IsGiven)[] useless =
        [
            ("data.crop_size", data.CropSize is not null), ("data.sample_size", data.SampleSize is not null), ("data.changed_crop_share", data.ChangedCropShare > 0),
            ("data.augmentation.resize", data.Augmentation.Resize is not null),
        ];
        foreach ((string key, _) in useless.Where(item => item.IsGiven))
            yield return Conflict(key, $"'{key}' is given, but classification brings a square of each image to 'data.image_size'.");
        foreach ((string name, string? list) in ((string, string?)[])[("train", data.Lists.Train), ("val", data.Lists.Val), ("test", data.Lists.Test)])
        {
            if (list is not null)
                yield return Conflict($"data.lists.{name}", $"'data.lists.{name}' is given, but the folders of {data.Dataset} say which split an image is of.");
        }

        if (config.Model.Classes <= 5 && ((string[])[config.Trainer.BestMetric, .. config.Selection.Metrics ?? []]).Any(metric => metric.Split('/')[^1] == ClassificationScores.TopFiveName))
            yield return Conflict("trainer.best_metric", $"'{ClassificationScores.TopFiveName}' is to choose the best epoch, but of {config.Model.Classes} classes it says nothing; it needs more than five.");
        foreach (ValidationResult conflict in (IEnumerable<ValidationResult>)[.. ClassWeights(config), .. Channels(config), .. ValidationSets(data, "list files"), .. ImageNetworkRules.Check(config)])
            yield return conflict;
    }
}
