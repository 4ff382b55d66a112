using System.Runtime.InteropServices;
using RobustTrain.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace RobustTrain.Tests.LibTorch;

public sealed class TensorTests
{
    [LibTorchFact]
    public void Arrays_of_every_rank_and_type_become_tensors_and_come_back()
    {
        using DisposeScope scope = NewDisposeScope();
        Assert.Equal([1f, 2, 3, 4], tensor(new float[,] { { 1, 2 }, { 3, 4 } }).data<float>().ToArray());
        Assert.Equal([2L, 1, 2], tensor(new[,,] { { { 1L, 2 } }, { { 3, 4 } } }).shape);
        Assert.Equal(ScalarType.Float64, tensor(new List<int> { 1, 2 }, dtype: float64).dtype);
        Assert.True(tensor(true).item<bool>());
        Assert.Equal([3L], tensor(new byte[] { 1, 2, 3 }).shape);
        Assert.Equal((Half)1.5, tensor([(Half)1.5]).data<Half>()[0]);
        Assert.Equal(ScalarType.Int64, from_array(new long[2, 3]).dtype);
        Assert.Equal([2L, 3], from_array(new double[2, 3]).shape);
        Assert.Equal(new[,] { { 1, 2 }, { 3, 4 } }, tensor(new[,] { { 1, 2 }, { 3, 4 } }).data<int>().ToNDArray());
        Assert.Equal(5, ((Tensor)5).item<int>());
        Assert.Equal(2.5, (double)tensor(2.5f));
    }

    [LibTorchFact]
    public void An_accessor_follows_strides_writes_through_and_ends_with_its_tensor()
    {
        using Tensor matrix = arange(6).reshape(2, 3);
        using Tensor turned = matrix.t();
        Assert.Equal([0L, 3, 1, 4, 2, 5], turned.data<long>().ToArray());
        Assert.Equal([0L, 3, 1, 4, 2, 5], turned.data<long>());
        Assert.Equal(5, turned.data<long>()[2, 1]);
        Assert.Equal(4, turned.data<long>()[3]);
        turned.data<long>()[0, 1] = 30;
        Assert.Equal(30, matrix[1, 0].item<long>());
        var part = new long[2];
        matrix.data<long>().CopyTo(part, tensorIndex: 1);
        Assert.Equal([1L, 2], part);
        turned.data<long>().CopyFrom([9, 8, 7, 6, 5, 4]);
        Assert.Equal([9L, 7, 5, 8, 6, 4], matrix.data<long>().ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => matrix.data<long>()[0, 3]);

        Tensor gone = ones(2);
        var accessor = gone.data<float>();
        gone.Dispose();
        Assert.Throws<InvalidOperationException>(() => accessor[0]);
    }

    [LibTorchFact]
    public void Bytes_are_the_tensors_own_memory()
    {
        using Tensor tensor = zeros(2, int32);
        MemoryMarshal.Cast<byte, int>(tensor.bytes)[1] = 7;
        Assert.Equal(7, tensor[1].item<int>());
        tensor.bytes = new byte[] { 1, 0, 0, 0, 2, 0, 0, 0 };
        Assert.Equal([1, 2], tensor.data<int>().ToArray());
        using Tensor turned = ones(2, 3).t();
        Assert.Throws<NotSupportedException>(() => turned.bytes.Length);
        Assert.Throws<ArgumentException>(() => tensor.bytes = new byte[3]);
    }

    [LibTorchFact]
    public void Indexed_elements_can_be_assigned()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = zeros(3, 4);
        x[1, 2] = 5;
        x[2] = tensor(new float[] { 1, 2, 3, 4 });
        x[TensorIndex.Colon, ^1] = 9;
        x[x > 8] = -9;
        _ = x.index_put_((Scalar)7, TensorIndex.Single(0), TensorIndex.Slice(0, 2));
        _ = x.index_put_(ones(2), [TensorIndex.Single(0), TensorIndex.Slice(0, 2)], accumulate: true);
        _ = x.index_put_(tensor(0.5f), [tensor(new long[] { 0, 0 }), tensor(new long[] { 2, 2 })], accumulate: true);
        Assert.Equal([8f, 8, 1, -9, 0, 0, 5, -9, 1, 2, 3, -9], x.data<float>().ToArray());
    }

    [LibTorchFact]
    public void Many_tensors_in_one_call_are_all_passed()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] many = [.. Enumerable.Range(0, 1500).Select(i => tensor(new[] { i }))];
        Assert.Equal(Enumerable.Range(0, 1500), cat(many).data<int>().ToArray());
    }

    [LibTorchFact]
    public void A_tensor_and_a_module_survive_TorchSharps_file_format()
    {
        using DisposeScope scope = NewDisposeScope();
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.dat");
        try
        {
            Tensor x = randn(2, 3).t();
            save(x, path);
            // Element type, rank and sizes as LEB128, then the bytes.
            Assert.Equal([6, 2, 3, 2], File.ReadAllBytes(path)[..4]);
            Assert.True(load(path).Equals(x));

            using var model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2));
            _ = model.call(randn(2, 1, 5, 5));
            _ = model.save(path);
            using var other = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2));
            var loaded = new Dictionary<string, bool>();
            _ = other.load(path, loadedParameters: loaded);
            Assert.Equal(model.state_dict().Keys, loaded.Keys);
            Assert.All(model.state_dict(), entry => Assert.True(other.state_dict()[entry.Key].Equals(entry.Value), entry.Key));

            using var wider = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4));
            Assert.Contains("[2x1x3x3], the tensor is [4x1x3x3]", Assert.Throws<ArgumentException>(() => wider.load(path)).Message, StringComparison.Ordinal);
            using var shorter = nn.Sequential(nn.Conv2d(1, 2, 3));
            Assert.Contains("expected 2, but found 7", Assert.Throws<ArgumentException>(() => shorter.load(path)).Message, StringComparison.Ordinal);
            _ = shorter.load(path, strict: false);
            Assert.True(shorter.state_dict()["0.weight"].Equals(model.state_dict()["0.weight"]));
            File.WriteAllBytes(path, [200, 1, 1]);
            Assert.Throws<InvalidDataException>(() => load(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [LibTorchFact]
    public void Wrapped_memory_is_shared_and_released_once_no_tensor_uses_it()
    {
        nint memory = Marshal.AllocHGlobal(24);
        int released = 0;
        Tensor wrapped = NativeTensors.Wrap(memory, [2, 3], ScalarType.Int32, () => released++);
        DisposeScope looking = NewDisposeScope();
        Assert.Equal(memory, NativeTensors.DataPointer(wrapped));
        Marshal.WriteInt32(memory, 5 * 4, 42);
        Assert.Equal(42, wrapped[1, 2].item<int>());
        Tensor row = wrapped[1].DetachFromDisposeScope();
        wrapped.Dispose();
        Assert.Equal(0, released);
        Assert.Equal(42, row[2].item<int>());
        looking.Dispose();
        Assert.Equal(0, released);
        row.Dispose();
        Assert.Equal(1, released);
        Assert.Throws<TorchException>(() => NativeTensors.Wrap(memory, [-1], ScalarType.Int32, () => released++));
        Assert.Equal(1, released);
        Marshal.FreeHGlobal(memory);
    }

    [LibTorchFact]
    public void Autograd_gives_gradients_of_gradients_and_says_what_was_not_used()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = tensor(3.0, requires_grad: true), unused = tensor(1.0, requires_grad: true);
        Tensor first = autograd.grad([x.pow(3)], [x], create_graph: true)[0];
        Assert.Equal(27, first.item<double>());
        Assert.Equal(18, autograd.grad([first], [x])[0].item<double>());
        IList<Tensor> grads = autograd.grad([x * 2], [x, unused], allow_unused: true);
        Assert.Null(grads[1]);
        Assert.Contains("not have been used in the graph", Assert.Throws<TorchException>(() => autograd.grad([x * 2], [unused])).Message, StringComparison.Ordinal);

        Tensor y = x * 2;
        y.retain_grad();
        (y * y).backward(retain_graph: true, grad_tensors: null);
        Assert.Equal(12, y.grad!.item<double>());
        Assert.Equal(24, x.grad!.item<double>());
        x.grad = null;
        Assert.Null(x.grad);
        (x * tensor(new[] { 1.0, 2.0 })).backward([tensor(new[] { 1.0, 10.0 })]);
        Assert.Equal(21, x.grad!.item<double>());
        Assert.True(x.is_leaf && !y.is_leaf && !y.detach().requires_grad);
    }

    [LibTorchFact]
    public void No_grad_holds_for_its_thread_only_and_nests()
    {
        Assert.True(is_grad_enabled());
        using (no_grad())
        {
            Assert.False(is_grad_enabled());
            bool other = false;
            var thread = new Thread(() => other = is_grad_enabled());
            thread.Start();
            thread.Join();
            Assert.True(other);
            using (enable_grad()) Assert.True(is_grad_enabled());
            Assert.False(is_grad_enabled());
            using Tensor x = ones(1, requires_grad: true), y = x * 2;
            Assert.False(y.requires_grad);
        }
        Assert.True(is_grad_enabled());
        using (set_grad_enabled(false)) Assert.False(is_grad_enabled());
        using (inference_mode()) Assert.True(is_inference_mode_enabled());
        Assert.False(is_inference_mode_enabled());
    }
}
