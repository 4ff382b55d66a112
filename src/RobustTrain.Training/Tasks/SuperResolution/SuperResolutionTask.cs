using System.Runtime.InteropServices;
using RobustTrain.Data;
using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Datasets.PairedImages;
using RobustTrain.Data.Degradation;
using RobustTrain.Data.Imaging;
using RobustTrain.Runs;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Onnx;
using RobustTrain.Training.Tasks.SuperResolution.Losses;
using RobustTrain.Training.Tasks.SuperResolution.Models;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks.SuperResolution;

/// <summary>
/// Super-resolution: an image of low quality, N x C x h x w (float32, values 0 to 1), and the same in high quality, N x C x (s h) x (s w), where s is
/// the scale.
/// </summary>
/// <param name="config">The configuration.</param>
internal sealed class SuperResolutionTask(TrainingConfig config) : CatalogTask<SuperResolutionModel>(config, ModelCatalog.Networks)
{
    private const string Lq = "lq";
    private const string Gt = "gt";

    /// <summary>What the catalogue knows of it.</summary>
    public static TaskDefinition Definition { get; } = new()
    {
        Name = "super-resolution",
        Models = [.. ModelCatalog.Networks.Names],
        NetworkOf = ModelCatalog.Networks.Find,
        Datasets = DatasetCatalog.Names,
        Criteria = CriterionCatalog.Names,
        Scores = SampleQuality.Definitions,
        HasDiscriminator = true,
        Presets =
        [
            "model.name=srvggnet-compact", "data.dataset=paired-images", "data.crop_size=128", "data.mean=[0, 0, 0]", "data.std=[1, 1, 1]",
            "criterion.name=l1", "optimizer.name=adam", "optimizer.learning_rate=0.0002", "optimizer.beta2=0.99", "optimizer.weight_decay=0", "trainer.best_metric=psnr_y",
        ],
        Rules = SuperResolutionRules.Check,
        Create = config => new SuperResolutionTask(config),
    };

    /// <inheritdoc/>
    public override IReadOnlyList<SampleField> Fields { get; } = [new(Lq, 3, "the low-quality images"), new(Gt, 3)];

    /// <inheritdoc/>
    public override IReadOnlyList<ScoreDefinition> Scores => SampleQuality.Definitions;

    /// <inheritdoc/>
    public override PredictionForm Prediction => new PredictionForm.Image(Config.Model.Scale);

    /// <inheritdoc/>
    public override IDataset Open(DatasetSplit split, SampleView view) => DatasetCatalog.Open(Config, split, view, Cache.Value);

    /// <inheritdoc/>
    public override void CheckSplit(DatasetSplit split, IDataset dataset)
    {
        base.CheckSplit(split, dataset);
        IReadOnlyList<int> low = SplitFields.ImageShape(Fields, dataset);
        IReadOnlyList<int> high = dataset.Fields.First(field => field.Name == Gt).Shape;
        if (split == DatasetSplit.Train)
            CriterionCatalog.Check(Config, high[1], high[2]);
        int scale = Config.Model.Scale;
        if (high[1] != low[1] * scale || high[2] != low[2] * scale)
        {
            throw new RunException(
                ExitCode.Configuration, "ModelScale",
                $"model.scale is {scale}, but the {SplitNames.Of(split)} split makes images of {low[1]}x{low[2]} pixels (height x width) into {high[1]}x{high[2]}.", "model.scale");
        }
    }

    /// <inheritdoc/>
    public override Tensor Forward(nn.Module model, BatchTensors batch) => ((SuperResolutionModel)model).call(batch[Lq]);

    /// <inheritdoc/>
    public override Tensor Predict(Tensor output) => output.clamp(0, 1);

    /// <inheritdoc/>
    public override void Describe(nn.Module model, OnnxGraph graph, IReadOnlyList<string> shape)
    {
        string enlarged = ((SuperResolutionModel)model).Describe(graph, graph.Input(Lq, shape));
        graph.Output(Gt, enlarged, [shape[0], shape[1], Enlarged(shape[2]), Enlarged(shape[3])]);

        // A side that is left open stays open, under a name of its own.
        string Enlarged(string side) => int.TryParse(side, out int pixels) ? $"{pixels * Config.Model.Scale}" : $"{side}_enlarged";
    }

    /// <inheritdoc/>
    public override ILossSetup CreateLossSetup() => new CriterionSetup(Config, Gt);

    /// <inheritdoc/>
    public override IReadOnlyList<SampleResult> Score(Tensor output, BatchTensors batch, IReadOnlyList<string> names) =>
        SampleQuality.Of(output, batch[Gt], names, Config.Model.Scale);

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyList<SamplePicture>> Draw(Tensor output, BatchTensors batch) => EnlargementPictures.Draw(batch[Lq], batch[Gt], output);

    /// <inheritdoc/>
    public override PicturePlace PlaceOf(string sample)
    {
        (string image, int x, int y) = PairedImagesDataset.PartOf(sample);
        return new PicturePlace(image, x, y);
    }

    /// <inheritdoc/>
    public override AggregatedScores Aggregate(IEnumerable<SampleResult> samples) => SampleQuality.Aggregate(samples.Cast<SampleQuality>());
}

/// <summary>Draws samples for people: the low-quality image enlarged by bicubic interpolation, the truth, and what the network made.</summary>
internal static class EnlargementPictures
{
    /// <summary>Draws each sample of a batch.</summary>
    /// <param name="low">N x C x h x w.</param>
    /// <param name="truth">N x C x H x W.</param>
    /// <param name="output">The same of the network.</param>
    public static IReadOnlyList<IReadOnlyList<SamplePicture>> Draw(Tensor low, Tensor truth, Tensor output)
    {
        using IDisposable noGrad = no_grad();
        using IDisposable scope = NewDisposeScope();
        (Tensor lowValues, Tensor trueValues, Tensor found) = (HostValues.Of(low), HostValues.Of(truth), HostValues.Of(output));
        (int channels, int height, int width) = ((int)truth.shape[1], (int)truth.shape[2], (int)truth.shape[3]);
        PlaneResizer resizer = new();
        FloatImage small = new();
        FloatImage image = new();
        List<IReadOnlyList<SamplePicture>> samples = [];
        for (int sample = 0; sample < truth.shape[0]; sample++)
        {
            small.Set(HostValues.Sample(lowValues, sample), (int)low.shape[3], (int)low.shape[2], channels);
            resizer.Resize(small, image, width, height, ResizeFilter.MatlabBicubic);
            samples.Add([Picture("input"), Shown("truth", trueValues), Shown("prediction", found)]);

            SamplePicture Shown(string name, Tensor values)
            {
                image.Set(HostValues.Sample(values, sample), width, height, channels);
                return Picture(name);
            }

            SamplePicture Picture(string name)
            {
                ImageBuffer bytes = new();
                image.WriteTo(255, bytes);
                return new SamplePicture(name, bytes);
            }
        }

        return samples;
    }
}

/// <summary>A batch's values in the memory of the CPU.</summary>
internal static class HostValues
{
    /// <summary>The values, dense, as float32 on the CPU.</summary>
    public static Tensor Of(Tensor batch)
    {
        using Tensor own = batch.detach();
        using Tensor numbers = own.to(ScalarType.Float32);
        using Tensor host = numbers.cpu();
        return host.contiguous();
    }

    /// <summary>Those of one sample.</summary>
    public static ReadOnlySpan<float> Sample(Tensor batch, int sample)
    {
        int length = (int)(batch.numel() / batch.shape[0]);
        return MemoryMarshal.Cast<byte, float>(batch.bytes).Slice(sample * length, length);
    }
}
