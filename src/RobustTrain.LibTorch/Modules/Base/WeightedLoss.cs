namespace TorchSharp;

public abstract class WeightedLoss<T1, T2, TResult> : Loss<T1, T2, TResult>
{
    public WeightedLoss(torch.Tensor? weight = null, torch.nn.Reduction reduction = torch.nn.Reduction.Mean) : base(reduction) => this.weight = weight;

    /// <summary>The caller's tensor; as in TorchSharp, the module neither moves nor frees it.</summary>
    public torch.Tensor? weight { get; }
}
