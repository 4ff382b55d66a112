using RobustTrain.Training.Plugins;
using RobustTrain.Training.Tasks;
using static TorchSharp.torch;

namespace Squares;

/// <summary>What this assembly brings to change detection; configurations name each part as <c>Squares:NAME</c>.</summary>
public sealed class SquaresPlugin : ITrainingPlugin
{
    private const string Task = "change-detection";

    /// <inheritdoc/>
    public void Register(PluginCatalog catalog)
    {
        catalog.AddNetwork(Task, "difference-net", config => new DifferenceNet(config.InChannels, config.Classes, config.BaseChannels), stride: 1);
        catalog.AddLoss(Task, "tversky", _ => Tversky);
        catalog.AddScore(Task, "share_error", ScoreDirection.LowerIsBetter, ShareError);
        catalog.AddDataset(Task, "squares", (config, split, view) => new SquaresDataset(config.Data.CropSize ?? 32, split));
    }

    /// <summary>Tversky loss (Salehi et al., 2017) of class 1, which minds what is missed more than what is wrongly found.</summary>
    /// <param name="logits">N x 2 x H x W.</param>
    /// <param name="label">N x H x W, 0 or 1.</param>
    private static Tensor Tversky(Tensor logits, Tensor label)
    {
        const double found = 0.3;
        const double missed = 0.7;
        Tensor changed = nn.functional.softmax(logits, 1).select(1, 1);
        Tensor truth = label.to(ScalarType.Float32);
        Tensor both = (changed * truth).sum();
        Tensor score = (both + 1) / (both + (found * (changed * (1 - truth)).sum()) + (missed * ((1 - changed) * truth).sum()) + 1);
        return 1 - score;
    }

    /// <summary>By how much the share of changed pixels is wrong, for each sample.</summary>
    private static Tensor ShareError(Tensor logits, Tensor label) =>
        (logits.argmax(1).to(ScalarType.Float32).mean([1, 2]) - label.to(ScalarType.Float32).mean([1, 2])).abs();
}
