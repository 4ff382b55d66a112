using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks.ClassLabels.Losses;

/// <summary>The sum of <see cref="Focal"/> and <see cref="Dice"/>, both with the same class weights.</summary>
public sealed class FocalDice : Criterion
{
    private readonly Focal _focal;
    private readonly Dice _dice;

    internal FocalDice(double gamma, IReadOnlyList<double>? classWeights, long ignoreIndex, Device device)
        : base(null, ignoreIndex, device)
    {
        _focal = new Focal(gamma, classWeights, ignoreIndex, device);
        _dice = new Dice(classWeights, ignoreIndex, device);
    }

    internal override Tensor Compute(Tensor logits, SegmentationLabels labels)
    {
        using Tensor focal = _focal.Compute(logits, labels);
        using Tensor dice = _dice.Compute(logits, labels);
        return focal + dice;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _focal.Dispose();
        _dice.Dispose();
        base.Dispose();
    }
}
