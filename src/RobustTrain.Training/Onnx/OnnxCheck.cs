using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using RobustTrain.Runs;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace RobustTrain.Training.Onnx;

/// <summary>Runs an ONNX file by ONNX Runtime beside the network that it was made of.</summary>
/// <param name="file">The file's content.</param>
/// <param name="threads">CPU threads of an operator.</param>
internal sealed class OnnxCheck(byte[] file, int threads) : IDisposable
{
    private readonly InferenceSession _session = Open(file, threads);

    /// <summary>
    /// How far its output is from what is expected, at the most, for the same inputs; where the output goes beyond 1, as a share of its
    /// greatest value, since rounding grows with the numbers.
    /// </summary>
    /// <param name="inputs">The inputs by name, on the CPU.</param>
    /// <param name="expected">What the network gives for them.</param>
    /// <exception cref="RunException">ONNX Runtime can't compute it, or the shapes differ.</exception>
    public double LargestDifference(IReadOnlyDictionary<string, Tensor> inputs, Tensor expected)
    {
        try
        {
            using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> outputs = _session.Run([.. inputs.Select(input => Value(input.Key, input.Value))]);
            Tensor<float> output = outputs[0].AsTensor<float>();
            long[] shape = [.. output.Dimensions.ToArray().Select(side => (long)side)];
            if (!shape.SequenceEqual(expected.shape))
                throw Refused($"gives [{string.Join(", ", shape)}] where the network gives [{string.Join(", ", expected.shape)}]");
            using Tensor found = tensor(output.ToArray(), shape);
            using Tensor difference = (found - expected).abs().max();
            using Tensor greatest = expected.abs().max();
            return difference.item<float>() / Math.Max(1, greatest.item<float>());
        }
        catch (OnnxRuntimeException failed)
        {
            throw Refused($"can't be computed by ONNX Runtime: {failed.Message.TrimEnd('.')}", failed);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _session.Dispose();

    private static InferenceSession Open(byte[] file, int threads)
    {
        OrtEnv.Instance().DisableTelemetryEvents();
        using SessionOptions options = new() { IntraOpNumThreads = threads, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        try
        {
            return new InferenceSession(file, options);
        }
        catch (OnnxRuntimeException failed)
        {
            throw Refused($"can't be opened by ONNX Runtime: {failed.Message.TrimEnd('.')}", failed);
        }
    }

    private static NamedOnnxValue Value(string name, Tensor values)
    {
        using Tensor dense = values.contiguous();
        float[] numbers = MemoryMarshal.Cast<byte, float>(dense.bytes).ToArray();
        return NamedOnnxValue.CreateFromTensor(name, new DenseTensor<float>(numbers, [.. values.shape.Select(side => (int)side)]));
    }

    private static RunException Refused(string problem, Exception? cause = null) =>
        new(ExitCode.Unexpected, "OnnxNotEqual", $"The exported network {problem}; no file was written.", innerException: cause);
}
