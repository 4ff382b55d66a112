namespace TorchSharp.Modules;

/// <summary>What batch and instance normalisation share: the affine parameters and the running statistics.</summary>
public abstract class NormBase : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    private Parameter? _weight;
    private Parameter? _bias;
    private torch.Tensor? _runningMean;
    private torch.Tensor? _runningVar;
    private torch.Tensor? _batches;

    public NormBase(long num_features, double eps, double? momentum, bool affine, bool track_running_stats, torch.Device? device, torch.ScalarType? dtype, string name) : base(name)
    {
        this.num_features = num_features;
        this.eps = eps;
        this.momentum = momentum;
        this.affine = affine;
        this.track_running_stats = track_running_stats;
        if (affine)
        {
            weight = torch.nn.Parameter(torch.empty(num_features, dtype, device));
            bias = torch.nn.Parameter(torch.empty(num_features, dtype, device));
        }
        if (track_running_stats)
        {
            running_mean = torch.zeros(num_features, dtype, device);
            running_var = torch.ones(num_features, dtype, device);
            num_batches_tracked = torch.tensor(0L, torch.ScalarType.Int64, device);
        }
        reset_parameters();
    }

    public Parameter? bias
    {
        get => _bias;
        set
        {
            _bias = (Parameter?)value?.DetachFromDisposeScope();
            ConditionallyRegisterParameter(nameof(bias), _bias);
        }
    }

    // TorchSharp declares it not null, and it is null where the module is not affine.
    public Parameter weight
    {
        get => _weight!;
        set
        {
            _weight = (Parameter?)value?.DetachFromDisposeScope();
            ConditionallyRegisterParameter(nameof(weight), _weight);
        }
    }

    public torch.Tensor? running_mean
    {
        get => _runningMean;
        set => ConditionallyRegisterBuffer(nameof(running_mean), _runningMean = value?.DetachFromDisposeScope());
    }

    public torch.Tensor? running_var
    {
        get => _runningVar;
        set => ConditionallyRegisterBuffer(nameof(running_var), _runningVar = value?.DetachFromDisposeScope());
    }

    public torch.Tensor? num_batches_tracked
    {
        get => _batches;
        set => ConditionallyRegisterBuffer(nameof(num_batches_tracked), _batches = value?.DetachFromDisposeScope());
    }

    public long num_features { get; }
    public double eps { get; set; }
    public double? momentum { get; set; }
    public bool affine { get; }
    public bool track_running_stats { get; }

    public void reset_running_stats()
    {
        if (!track_running_stats) return;
        _ = running_mean!.zero_();
        _ = running_var!.fill_(1);
        _ = num_batches_tracked!.zero_();
    }

    public void reset_parameters()
    {
        reset_running_stats();
        if (!affine) return;
        _ = torch.nn.init.ones_(weight);
        _ = torch.nn.init.zeros_(bias!);
    }

    /// <exception cref="ArgumentException">The input does not have the dimensions that the module is for.</exception>
    protected abstract void ValidateInputDimensions(torch.Tensor input);
}
