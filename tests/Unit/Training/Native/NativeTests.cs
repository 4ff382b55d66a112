using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using RobustTrain.Tests.Monitoring;
using RobustTrain.Training.Native;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training;

/// <summary>What is called below TorchSharp, and what of TorchSharp is left alone.</summary>
[Collection(TorchCollection.Name)]
public sealed partial class NativeTests
{
    [Fact]
    public unsafe void A_tensor_over_memory_shares_it()
    {
        float* memory = (float*)NativeMemory.Alloc(6, sizeof(float));
        for (int i = 0; i < 6; i++)
            memory[i] = i;
        using (Tensor tensor = HostMemory.Tensor((nint)memory, ScalarType.Float32, [2, 3]))
        {
            Assert.Equal([2, 3], tensor.shape);
            Assert.Equal((nint)memory, HostMemory.AddressOf(tensor));
            memory[4] = 40;
            Assert.Equal(40, tensor[1, 1].item<float>());
            using Tensor doubled = tensor.mul_(2);
            Assert.Equal(80, memory[4]);
        }

        // The memory is still the caller's.
        Assert.Equal(80, memory[4]);
        NativeMemory.Free(memory);
    }

    [Fact]
    public unsafe void A_shape_that_can_not_be_is_an_exception()
    {
        float value = 0;
        nint address = (nint)(&value);
        Assert.ThrowsAny<ExternalException>(() => HostMemory.Tensor(address, ScalarType.Float32, [-1]));
    }

    [Fact]
    public void Deterministic_mode_makes_torch_refuse_what_may_differ_and_ends_where_it_began()
    {
        Assert.False(DeterministicMode.IsEnabled);
        using (DeterministicMode.Begin())
        {
            using (DeterministicMode.Begin())
                Assert.True(DeterministicMode.IsEnabled);
            Assert.True(DeterministicMode.IsEnabled);
            using Tensor pooled = ones(1, 1, 1, 1);
            using Tensor indices = zeros(1, 1, 1, 1, ScalarType.Int64);
            ExternalException error = Assert.ThrowsAny<ExternalException>(() => nn.functional.max_unpool2d(pooled, indices, [2, 2]));
            Assert.Contains("deterministic", error.Message);
        }

        Assert.False(DeterministicMode.IsEnabled);
    }

    // TorchSharp calls these without catching C++ exceptions: a shape that doesn't fit ends the process. bmm is caught.
    [Fact]
    public void No_operator_is_used_whose_errors_end_the_process()
    {
        var forbidden = Uncaught();
        string[] found = [.. Directory.EnumerateFiles(Path.Combine(TestFiles.Root, "src", "RobustTrain.Training"), "*.cs", SearchOption.AllDirectories)
            .SelectMany(file => File.ReadLines(file).Where(line => forbidden.IsMatch(line)).Select(line => $"{Path.GetFileName(file)}: {line.Trim()}"))];
        Assert.Empty(found);
    }

    [GeneratedRegex(@"\b(matmul|mm|mv|cummax|cummin|from_source|autograd\.grad)\s*\(")]
    private static partial Regex Uncaught();
}
