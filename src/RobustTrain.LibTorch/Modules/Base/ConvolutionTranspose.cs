namespace TorchSharp.Modules;

public abstract class ConvolutionTranspose : Convolution
{
    protected ConvolutionTranspose(string name, long in_channels, long out_channels, long[] kernel_size, long[] stride, long[]? padding, Padding? padding_type, long[] dilation, bool transposed, long[] output_padding, long groups, bool bias, PaddingModes padding_mode, torch.Device? device = null, torch.ScalarType? dtype = null)
        : base(name, in_channels, out_channels, kernel_size, stride, padding, padding_type, dilation, transposed, output_padding, groups, bias, padding_mode, device, dtype) { }

    public override torch.Tensor forward(torch.Tensor input) => forward(input, null);

    public abstract torch.Tensor forward(torch.Tensor input, long[]? output_size);

    /// <summary>What to add at one side so that the output has the size that is asked for.</summary>
    protected long[] _output_padding(torch.Tensor input, long[]? output_size, long[] kernel_size, long[] stride, long[] padding, long[] dilation, long num_spatial_dims)
    {
        if (output_size is null) return output_padding;
        long[] shape = input.shape;
        int leading = shape.Length - (int)num_spatial_dims;
        if (output_size.Length == shape.Length) output_size = output_size[leading..];
        if (output_size.Length != num_spatial_dims)
            throw new ArgumentException($"For an input of {shape.Length} dimensions, output_size must have {num_spatial_dims} or {shape.Length} elements (got {output_size.Length})", nameof(output_size));
        var missing = new long[num_spatial_dims];
        for (int i = 0; i < missing.Length; i++)
        {
            long smallest = (shape[leading + i] - 1) * stride[i] - 2 * padding[i] + dilation[i] * (kernel_size[i] - 1) + 1;
            missing[i] = output_size[i] - smallest;
            if (missing[i] < 0 || missing[i] >= stride[i])
                throw new ArgumentException($"Requested an output size of {output_size[i]} in dimension {i}, but valid sizes range from {smallest} to {smallest + stride[i] - 1}", nameof(output_size));
        }
        return missing;
    }
}
