using System.Runtime.CompilerServices;
using RobustTrain.Native;
using RobustTrain.Native.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace RobustTrain.Tests.LibTorch;

/// <summary>Nothing native is left behind. The counts are of the whole process.</summary>
[Collection(WholeProcessCollection.Name)]
public sealed class LifetimeTests
{
    [LibTorchFact]
    public void A_scope_frees_all_but_what_was_moved_out_of_it()
    {
        long before = Settled();
        using (DisposeScope outer = NewDisposeScope())
        {
            Tensor kept;
            using (DisposeScope inner = NewDisposeScope())
            {
                Tensor x = randn(10);
                kept = (x * 2 + 1).sum().MoveToOuterDisposeScope();
                Assert.Equal(3, inner.DisposablesCount);
                x.Dispose();
                Assert.Equal(2, inner.DisposablesCount);
                Assert.True(outer.Contains(kept) && !inner.Contains(kept));
            }
            Assert.False(kept.IsInvalid);
            Assert.Equal(before + 1, Tensor.TotalCount);
        }
        Assert.Equal(before, Tensor.TotalCount);
    }

    [LibTorchFact]
    public void Tensors_can_be_detached_attached_and_kept()
    {
        long before = Settled();
        Tensor free;
        using (DisposeScope scope = NewDisposeScope())
        {
            free = scope.Detach(ones(1));
            (Tensor a, Tensor b) = (ones(1), ones(1));
            _ = ones(1);
            _ = scope.DisposeEverythingBut(a, b);
            Assert.Equal(2, scope.DisposablesCount);
            scope.MarkAsDisposed(a);
            a.Dispose();
            Assert.Equal([b], scope.DisposablesView, ReferenceEqualityComparer.Instance);
            Assert.Throws<InvalidOperationException>(() => scope.Attach(new MemoryStream()));
        }
        Assert.Equal(before + 1, Tensor.TotalCount);
        using (DisposeScope scope = NewDisposeScope()) scope.Attach(free);
        Assert.True(free.IsInvalid);
        Assert.Equal(before, Tensor.TotalCount);
    }

    [LibTorchFact]
    public void Scopes_may_be_left_out_of_order()
    {
        long before = Settled();
        DisposeScope outer = NewDisposeScope(), inner = NewDisposeScope();
        Tensor x = ones(1);
        outer.Dispose();
        Assert.False(x.IsInvalid);
        Tensor y = ones(1);
        inner.Dispose();
        Assert.True(x.IsInvalid && y.IsInvalid);
        Assert.Null(CurrentDisposeScope);
        Assert.Equal(before, Tensor.TotalCount);
    }

    [LibTorchFact]
    public void Training_steps_leave_as_many_tensors_as_they_found()
    {
        using var model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout2d());
        using var optimizer = optim.AdamW(model.parameters(), amsgrad: true);
        using Tensor image = randn(2, 3, 8, 8);
        Step();
        long after = Settled();
        for (int i = 0; i < 5; i++) Step();
        Assert.Equal(after, Tensor.TotalCount);

        void Step()
        {
            using DisposeScope scope = NewDisposeScope();
            optimizer.zero_grad();
            model.call(image).square().mean().backward();
            _ = nn.utils.clip_grad_norm_(model.parameters(), 1);
            _ = optimizer.step();
        }
    }

    [LibTorchFact]
    public void Disposing_modules_and_optimisers_frees_what_they_hold()
    {
        long before = Settled();
        using (DisposeScope scope = NewDisposeScope())
        {
            // Made inside a scope, layers still live as long as they are not disposed.
            var model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.PReLU(4));
            var optimizer = optim.Adam(model.parameters(), amsgrad: true);
            scope.DisposeEverything();
            model.call(randn(2, 3, 8, 8)).sum().backward();
            _ = optimizer.step();
            optimizer.Dispose();
            model.Dispose();
        }
        Assert.Equal(before, Tensor.TotalCount);
    }

    [LibTorchFact]
    public void A_forgotten_tensor_is_freed_by_the_garbage_collector()
    {
        long before = Settled();
        Forget();
        Assert.Equal(before, Settled());

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget()
        {
            Tensor x = ones(1);
            _ = x + x;
            Assert.True(Tensor.TotalCount >= 2);
        }
    }

    [LibTorchFact]
    public void A_parameter_takes_the_tensor_that_it_is_made_of_and_its_scope()
    {
        long before = Settled();
        using (NewDisposeScope())
        {
            Tensor data = ones(2);
            var parameter = new TorchSharp.Modules.Parameter(data);
            Assert.True(data.IsInvalid && parameter.requires_grad);
            Assert.Equal(before + 1, Tensor.TotalCount);
            data.Dispose();
        }
        Assert.Equal(before, Tensor.TotalCount);
    }

    [LibTorchFact]
    public void Handles_can_be_taken_and_given_and_are_TorchSharps()
    {
        long before = Settled();
        Tensor x = ones(3);
        nint handle = x.DecoupleFromNativeHandle();
        Assert.True(x.IsInvalid);
        Assert.Equal(before, Tensor.TotalCount);
        using (Tensor y = Tensor.UnsafeCreateTensor(handle))
        {
            using Tensor same = y.alias();
            using Tensor sum = y.sum();
            Assert.Equal(3, sum.item<float>());
            Assert.True(NativeTensors.AreSame(y, y));
            Assert.False(NativeTensors.AreSame(y, same));
            Assert.Equal(NativeTensors.DataPointer(y), NativeTensors.DataPointer(same));
        }
        Assert.Equal(before, Settled());
    }

    [LibTorchFact]
    public void Threads_statistics_and_settings_are_what_they_were_set_to()
    {
        int before = get_num_threads();
        try
        {
            set_num_threads(2);
            Assert.Equal(2, get_num_threads());
        }
        finally
        {
            set_num_threads(before);
        }
        Assert.Matches(@"^\d+\.\d+", LibTorchInfo.Version);
        Determinism.Set(true, warnOnly: true);
        Assert.True(Determinism.Enabled && Determinism.WarnsOnly);
        Determinism.Set(false);
        Assert.False(Determinism.Enabled);

        DisposeScopeManager.Statistics.Reset();
        Tensor outside = ones(1);
        using (NewDisposeScope()) _ = ones(1);
        outside.Dispose();
        Assert.Equal((1, 1, 1, 1), (DisposeScopeManager.Statistics.CreatedOutsideScopeCount, DisposeScopeManager.Statistics.DisposedOutsideScopeCount, DisposeScopeManager.Statistics.CreatedInScopeCount, DisposeScopeManager.Statistics.DisposedInScopeCount));
    }

    [LibTorchFact]
    public void Threads_that_call_at_once_do_not_disturb_each_other()
    {
        long before = Settled();
        _ = Parallel.For(0, 64, i =>
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor x = full(100, i);
            for (int k = 0; k < 50; k++) x = x + 1;
            Assert.Equal((i + 50) * 100, x.sum().item<long>());
        });
        Assert.Equal(before, Settled());
    }

    // What other tests forgot is freed first, so that only this test's tensors count.
    private static long Settled()
    {
        for (int i = 0; i < 2; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        return Tensor.TotalCount;
    }
}
