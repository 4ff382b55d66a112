using System.Runtime.InteropServices;
using RobustTrain.Data;
using RobustTrain.Data.Loading;
using RobustTrain.Tests.Host;
using RobustTrain.Training.Loading;
using RobustTrain.Training.Native;
using RobustTrain.Training.Tasks;
using RobustTrain.Training.Tasks.ChangeDetection;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training;

/// <summary>Copies beside the step through the calls of the NVIDIA driver, of which tests/cuda-stub is the stand-in: device memory is host memory there.</summary>
[Collection(TorchCollection.Name)]
public sealed unsafe class DeviceCopierTests : IDisposable
{
    private static readonly Lazy<nint> s_stub = new(() => NativeLibrary.Load(PreloadedStub.Build("cuda-stub")));
    private static readonly LoaderOptions Options = new() { BatchSize = 4, NumWorkers = 1, PrefetchQueueLength = 1 };

    public DeviceCopierTests() => FailNext(null);

    public void Dispose() => FailNext(null);

    [LinuxFact("Its CUDA driver is a stub that is compiled for Linux.")]
    public void A_batch_is_there_when_it_was_waited_for_and_not_before()
    {
        using FirstBatch first = new();
        using DeviceCopier copier = new(ChangeDetectionTask.SampleFields, CPU, 0);
        using BatchTensors host = BatchTensors.Over(first.Batch, ChangeDetectionTask.SampleFields);

        using BatchTensors device = copier.Begin(first.Batch);
        int before = Copies();
        copier.Await();

        Assert.Equal(3, Copies() - before);
        Assert.Equal(host["image1"].data<float>().ToArray(), device["image1"].data<float>().ToArray());
        Assert.Equal(host["image2"].data<float>().ToArray(), device["image2"].data<float>().ToArray());
        Assert.Equal(host["label"].data<long>().ToArray(), device["label"].data<long>().ToArray());
    }

    [LinuxTheory("Its CUDA driver is a stub that is compiled for Linux.")]
    [InlineData(false)]
    [InlineData(true)]
    public void A_whole_epoch_arrives_as_it_was_loaded_and_nothing_stays_behind(bool channelsLast)
    {
        using PrefetchLoader loader = new(new SquaresDataset(14), Options);
        using PrefetchLoader plain = new(new SquaresDataset(14), Options);
        using EpochStream stream = loader.Open(0);
        using EpochStream expected = plain.Open(0);
        using (Prefetcher prefetcher = new(ChangeDetectionTask.SampleFields, CPU, new DeviceCopier(ChangeDetectionTask.SampleFields, CPU, 1), channelsLast))
        {
            using BatchFeed feed = prefetcher.Open(stream, CancellationToken.None);
            while (feed.Next() is { } batch)
            {
                Assert.True(expected.MoveNext());
                using (batch)
                using (IBatch reference = expected.Current)
                using (BatchTensors host = BatchTensors.From(reference, ChangeDetectionTask.SampleFields, CPU))
                {
                    BatchTensors device = batch.Open();
                    Assert.True(device["image1"].Equals(host["image1"]));
                    Assert.True(device["image2"].Equals(host["image2"]));
                    Assert.True(device["label"].Equals(host["label"]));
                    Assert.Equal(channelsLast ? 1 : 256, device["image1"].stride()[1]);
                }
            }

            Assert.NotEqual(0, Alive());
        }

        Assert.False(expected.MoveNext());
        Assert.Equal(0, Alive());
    }

    [LinuxFact("Its CUDA driver is a stub that is compiled for Linux.")]
    public void Memory_that_can_not_be_locked_counts_as_memory_that_is_short()
    {
        using FirstBatch first = new();
        using (DeviceCopier copier = new(ChangeDetectionTask.SampleFields, CPU, 0))
        {
            FailNext("cuMemHostRegister");
            ExternalException error = Assert.Throws<ExternalException>(() => copier.Begin(first.Batch));
            Assert.Matches("^CUDA out of memory: lock [0-9]+ bytes of memory\\.$", error.Message);
            Assert.True(TorchFailure.IsOutOfMemory(error));
        }

        Assert.Equal(0, Alive());
    }

    [LinuxFact("Its CUDA driver is a stub that is compiled for Linux.")]
    public void A_device_that_is_lost_ends_the_copy_with_the_drivers_word_for_it()
    {
        using FirstBatch first = new();
        using (DeviceCopier copier = new(ChangeDetectionTask.SampleFields, CPU, 0))
        {
            using BatchTensors begun = copier.Begin(first.Batch);
            FailNext("cuStreamSynchronize");
            ExternalException error = Assert.Throws<ExternalException>(copier.Await);
            Assert.Equal("The CUDA driver could not copy a batch: CUDA_ERROR_NO_DEVICE.", error.Message);
        }

        Assert.Equal(0, Alive());
    }

    [LinuxFact("Its CUDA driver is a stub that is compiled for Linux.")]
    public void A_gpu_that_is_not_there_is_named()
    {
        _ = s_stub.Value;
        ExternalException error = Assert.Throws<ExternalException>(() => new DeviceCopier(ChangeDetectionTask.SampleFields, CPU, 7));
        Assert.Equal("The CUDA driver could not find GPU 7: CUDA_ERROR_NO_DEVICE.", error.Message);
        Assert.Equal(0, Alive());
    }

    [LinuxFact("Its CUDA driver is a stub that is compiled for Linux.")]
    public void The_drivers_version_is_read()
    {
        ((delegate* unmanaged<int, void>)NativeLibrary.GetExport(s_stub.Value, "stub_set_version"))(11040);
        Assert.Equal(new Version(11, 4), CudaDriver.FindVersion());
    }

    private static int Alive() => ((delegate* unmanaged<int>)NativeLibrary.GetExport(s_stub.Value, "stub_alive"))();

    private static int Copies() => ((delegate* unmanaged<int>)NativeLibrary.GetExport(s_stub.Value, "stub_copies"))();

    // The stub keeps the pointer, so the text is never freed.
    private static void FailNext(string? function) =>
        ((delegate* unmanaged<nint, void>)NativeLibrary.GetExport(s_stub.Value, "stub_fail"))(Marshal.StringToCoTaskMemUTF8(function));

    /// <summary>The first batch of an epoch.</summary>
    private sealed class FirstBatch : IDisposable
    {
        private readonly PrefetchLoader _loader = new(new SquaresDataset(14), Options);
        private readonly EpochStream _stream;

        public FirstBatch()
        {
            _stream = _loader.Open(0);
            Assert.True(_stream.MoveNext());
            Batch = _stream.Current;
        }

        public IBatch Batch { get; }

        public void Dispose()
        {
            Batch.Dispose();
            _stream.Dispose();
            _loader.Dispose();
        }
    }
}
