using TorchSharp.Modules;

namespace TorchSharp.Modules
{
    public sealed class Upsample : ParameterLessModule<torch.Tensor, torch.Tensor>
    {
        private readonly long[]? _size;
        private readonly double[]? _scaleFactor;

        internal Upsample(long[]? size, double[]? scale_factor, torch.UpsampleMode mode, bool? align_corners, bool? recompute_scale_factor) : base(nameof(Upsample))
        {
            _size = size;
            _scaleFactor = scale_factor;
            this.mode = mode;
            this.align_corners = align_corners;
            this.recompute_scale_factor = recompute_scale_factor;
        }

        public bool? recompute_scale_factor { get; set; }
        public torch.UpsampleMode mode { get; }
        public bool? align_corners { get; }
        public ReadOnlySpan<long> size => _size;
        public ReadOnlySpan<double> scale_factor => _scaleFactor;

        public override torch.Tensor forward(torch.Tensor input) =>
            torch.nn.functional.interpolate(input, _size, _scaleFactor, (torch.InterpolationMode)mode, align_corners, recompute_scale_factor ?? false);
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static Upsample Upsample(long[]? size = null, double[]? scale_factor = null, UpsampleMode mode = UpsampleMode.Nearest, bool? align_corners = null, bool? recompute_scale_factor = null) =>
                new(size, scale_factor, mode, align_corners, recompute_scale_factor);
        }
    }
}
