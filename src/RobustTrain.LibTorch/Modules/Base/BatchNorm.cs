namespace TorchSharp.Modules;

public abstract class BatchNorm : NormBase
{
    public BatchNorm(long num_features, double eps, double momentum, bool affine, bool track_running_stats, torch.Device? device, torch.ScalarType? dtype, string name)
        : base(num_features, eps, momentum, affine, track_running_stats, device, dtype, name) { }

    public override torch.Tensor forward(torch.Tensor input)
    {
        ValidateInputDimensions(input);
        double share = momentum ?? 0;
        if (training && track_running_stats)
        {
            _ = num_batches_tracked!.add_(1);
            // Without a momentum the statistics are the mean over all batches so far.
            if (momentum is null) share = 1 / (double)num_batches_tracked;
        }
        bool fromBatch = training || running_mean is null || running_var is null;
        return torch.nn.functional.batch_norm(input, running_mean, running_var, weight, bias, fromBatch, share, eps);
    }
}
