using System.Runtime.InteropServices;
using RobustTrain.Native;
using RobustTrain.Native.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace RobustTrain.Tests.LibTorch;

public sealed class ErrorTests
{
    [LibTorchFact]
    public void An_operators_error_names_it_and_the_shapes_and_types_of_its_arguments()
    {
        using DisposeScope scope = NewDisposeScope();
        var e = Assert.Throws<TorchException>(() => nn.functional.conv2d(zeros(1, 3, 8, 8), zeros(4, 5, 3, 3), padding: [1, 1]));
        Assert.StartsWith("aten::conv2d(input: float32[1,3,8,8], weight: float32[4,5,3,3], bias: none, stride: its default, padding: [1, 1]", e.Message, StringComparison.Ordinal);
        Assert.Contains("to have 5 channels, but got 3 channels", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception raised from", e.Message, StringComparison.Ordinal);
        // What TorchSharp throws can be caught alike.
        Assert.IsAssignableFrom<ExternalException>(e);
        Assert.False(e.IsOutOfMemory);

        Assert.Contains("tensors: [float32[2,3], int64[4]]", Assert.Throws<TorchException>(() => cat([zeros(2, 3), zeros(4, int64)])).Message, StringComparison.Ordinal);
    }

    [LibTorchFact]
    public void An_unknown_operator_is_named_with_libtorchs_version()
    {
        var e = Assert.Throws<TorchException>(() => new Op("no_such_operator", "Tensor").Run());
        Assert.Equal($"this libtorch ({__version__}) has no operator aten::no_such_operator.Tensor", e.Message);
    }

    [LibTorchFact]
    public void An_argument_that_does_not_fit_the_schema_is_named()
    {
        using Tensor one = ones(1);
        Assert.Contains("argument 'dim' does not take 'x'", Assert.Throws<TorchException>(() => new Op("softmax", "int").Call(one, "x")).Message, StringComparison.Ordinal);
        Assert.Contains("argument 'dim' is missing", Assert.Throws<TorchException>(() => new Op("softmax", "int").Call(one)).Message, StringComparison.Ordinal);
        Assert.Contains("it takes 1 arguments, and 2 were given", Assert.Throws<TorchException>(() => new Op("relu").Call(one, 1)).Message, StringComparison.Ordinal);
        Assert.Contains("argument 'other' does not take none", Assert.Throws<TorchException>(() => one.add((Tensor)null!)).Message, StringComparison.Ordinal);
        Assert.StartsWith("aten::softmax.int(Tensor self, int dim", new Op("softmax", "int").Schema, StringComparison.Ordinal);
    }

    [LibTorchFact]
    public void Memory_that_is_not_there_is_an_out_of_memory_error() =>
        Assert.True(Assert.Throws<TorchException>(() => zeros([1L << 50], ScalarType.Byte)).IsOutOfMemory);

    [LibTorchFact]
    public void A_disposed_tensor_says_so()
    {
        Tensor tensor = ones(1);
        tensor.Dispose();
        Assert.True(tensor.IsInvalid);
        Assert.Contains("disposed", Assert.Throws<InvalidOperationException>(() => tensor + 1).Message, StringComparison.Ordinal);
        tensor.Dispose();
    }

    [LibTorchFact]
    public void Reading_elements_of_another_type_says_which_it_has()
    {
        using Tensor tensor = ones(2, int64);
        Assert.Contains("Single is not compatible with Int64", Assert.Throws<ArgumentException>(() => tensor.data<float>()).Message, StringComparison.Ordinal);
        Assert.Contains("one element, but this one has 2", Assert.Throws<ArgumentException>(() => tensor.item<long>()).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => torch.tensor(new[] { 1f, 2f }, [3L]));
    }

    [LibTorchFact]
    public void A_device_that_is_not_here_or_not_a_device_says_so()
    {
        if (!cuda.is_available()) Assert.Contains("CUDA", Assert.Throws<InvalidOperationException>(() => zeros(1, device: CUDA)).Message, StringComparison.Ordinal);
        Assert.Contains("'gpu' is no device type", Assert.Throws<ArgumentException>(() => device("gpu")).Message, StringComparison.Ordinal);
        Assert.Contains("'cuda:x' is no device", Assert.Throws<ArgumentException>(() => device("cuda:x")).Message, StringComparison.Ordinal);
        Assert.Equal("cuda:1", device("cuda:1").ToString());
    }

    [LibTorchFact]
    public void Streams_without_CUDA_are_an_error_and_not_a_crash()
    {
        if (LibTorchInfo.HasCudaStreams && cuda.is_available()) return;
        Assert.Throws<TorchException>(() => CudaStream.Create());
    }

    [Fact]
    public void A_library_that_is_missing_says_how_to_install_it()
    {
        string folder = Directory.CreateTempSubdirectory("rt-native-").FullName;
        try
        {
            var none = Assert.Throws<LibTorchNotFoundException>(() => NativeLoader.Find(null, folder));
            Assert.Contains("apt-get install libtorch-dev", none.Message, StringComparison.Ordinal);
            Assert.Contains("LIBTORCH", none.Message, StringComparison.Ordinal);
            Assert.Contains("./build.sh build", none.Message, StringComparison.Ordinal);
            var named = Assert.Throws<LibTorchNotFoundException>(() => NativeLoader.Find(folder, folder));
            Assert.Contains($"ROBUSTTRAIN_NATIVE is '{folder}'", named.Message, StringComparison.Ordinal);

            string broken = Path.Combine(folder, "librobusttrain_torch.so");
            File.WriteAllText(broken, "not a library");
            Assert.Equal(broken, NativeLoader.Find(folder, "/"));
            string message = Assert.Throws<LibTorchNotFoundException>(() => NativeLoader.Load(broken, folder)).Message;
            Assert.Contains($"{broken} cannot be loaded: {broken}: file too short. Install libtorch", message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
