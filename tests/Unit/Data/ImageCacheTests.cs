using System.Runtime.InteropServices;
using RobustTrain.Data;
using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Datasets.ImagesLabels;
using RobustTrain.Data.Imaging;
using RobustTrain.Data.Loading.Ledger;
using RobustTrain.Data.Loading.Ring;
using RobustTrain.Tests.Host;

namespace RobustTrain.Tests.Data;

/// <summary>Decoded images that are kept: they change no bit of a sample, and what becomes of them hurts nobody.</summary>
[Collection(LoaderCollection.Name)]
public sealed class ImageCacheTests : IDisposable
{
    private const int Width = 40;
    private const int Height = 32;
    private const int Count = 6;
    private const long Plenty = 1 << 20;

    private readonly TemporaryFolder _folder = new();

    public ImageCacheTests()
    {
        for (int sample = 0; sample < Count; sample++)
        {
            _folder.Write($"images/train_{sample}.bmp", TestImage.Coordinates(Width, Height, blue: sample));
            _folder.Write($"labels/train_{sample}.bmp", TestImage.Grey(Width, Height, (x, y) => (x + y + sample) % 2));
        }
    }

    private string Folder => _folder.At("cache");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(WorkerKind.Thread, true, true)]
    [InlineData(WorkerKind.Thread, true, false)]
    [InlineData(WorkerKind.Thread, false, true)]
    [InlineData(WorkerKind.Process, false, true)]
    public void A_cache_changes_no_bit_of_any_epoch(WorkerKind kind, bool inMemory, bool inFolder)
    {
        LoaderOptions options = new() { BatchSize = 2, NumWorkers = 2, WorkerKind = kind, Shuffle = true };
        byte[][] expected = [.. Enumerable.Range(0, 3).Select(epoch => Stream(Open(null), options, epoch).Bytes)];

        ImageCache cache = new(inFolder ? Folder : null, inMemory ? Plenty : 0);
        using ImagesLabelsDataset dataset = Open(cache);
        Assert.Equal(expected, [.. Enumerable.Range(0, 3).Select(epoch => Stream(dataset, options, epoch).Bytes)]);
        Assert.Equal(inFolder ? 2 * Count : 0, Entries().Length);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_image_is_decoded_once_as_long_as_its_file_is_the_same(bool inMemory)
    {
        using ImagesLabelsDataset dataset = Open(new ImageCache(inMemory ? null : Folder, inMemory ? Plenty : 0));
        byte[] first = Load(dataset, 0);

        // Same size and time: only a decoder would see the difference.
        string file = _folder.At("images/train_0.bmp");
        DateTime changed = File.GetLastWriteTimeUtc(file);
        File.WriteAllBytes(file, TestImage.Coordinates(Width, Height, blue: 200));
        File.SetLastWriteTimeUtc(file, changed);
        Assert.Equal(first, Load(dataset, 0));

        File.SetLastWriteTimeUtc(file, changed.AddSeconds(1));
        byte[] other = Load(dataset, 0);
        Assert.NotEqual(first, other);
        Assert.Equal(Load(Open(null), 0), other);
    }

    [Fact]
    public void Where_memory_is_short_images_do_not_push_each_other_out()
    {
        // Room for the images of half of the samples and their labels, which this format has in colours.
        long room = Count / 2 * (Width * Height * (3 + 3));
        using ImagesLabelsDataset dataset = Open(new ImageCache(null, room));
        byte[][] first = [.. Enumerable.Range(0, Count).Select(sample => Load(dataset, sample))];
        for (int sample = 0; sample < Count; sample++)
        {
            string file = _folder.At($"images/train_{sample}.bmp");
            DateTime changed = File.GetLastWriteTimeUtc(file);
            File.WriteAllBytes(file, TestImage.Coordinates(Width, Height, blue: 200));
            File.SetLastWriteTimeUtc(file, changed);
        }

        bool[] kept = [.. Enumerable.Range(0, Count).Select(sample => Load(dataset, sample).AsSpan().SequenceEqual(first[sample]))];
        Assert.Equal([true, true, true, false, false, false], kept);

        // What is asked for no more makes room.
        for (int turn = 0; turn < 10 * Count; turn++)
            Load(dataset, Count - 1);
        byte[] last = Load(dataset, Count - 1);
        string lastFile = _folder.At($"images/train_{Count - 1}.bmp");
        DateTime time = File.GetLastWriteTimeUtc(lastFile);
        File.WriteAllBytes(lastFile, TestImage.Coordinates(Width, Height, blue: 100));
        File.SetLastWriteTimeUtc(lastFile, time);
        Assert.Equal(last, Load(dataset, Count - 1));
    }

    [Theory]
    [InlineData(WorkerKind.Thread)]
    [InlineData(WorkerKind.Process)]
    public void A_damaged_entry_is_told_once_and_replaced(WorkerKind kind)
    {
        LoaderOptions options = new() { BatchSize = 2, NumWorkers = 1, WorkerKind = kind };
        byte[] expected = Stream(Open(new ImageCache(Folder)), options).Bytes;
        byte[][] whole = [.. Entries().Select(File.ReadAllBytes)];
        foreach (string entry in Entries())
        {
            byte[] damaged = File.ReadAllBytes(entry);
            damaged[^7] ^= 4;
            File.WriteAllBytes(entry, entry == Entries()[0] ? damaged[..20] : damaged);
        }

        (byte[] bytes, List<LoaderEvent> events) = Stream(Open(new ImageCache(Folder)), options);
        Assert.Equal(expected, bytes);
        Assert.Equal(whole, Entries().Select(File.ReadAllBytes));
        Assert.Equal(
            "The cache of decoded images (data.cache.path) had damaged entries; they are decoded and written anew.",
            Assert.Single(events, happened => happened.Kind == LoaderEventKind.CacheDamaged).Message);
        Assert.DoesNotContain(Stream(Open(new ImageCache(Folder)), options).Events, happened => happened.Kind == LoaderEventKind.CacheDamaged);
    }

    [FullDiskFact]
    public async Task A_full_disk_only_ends_the_keeping()
    {
        LoaderOptions options = new() { BatchSize = 2, NumWorkers = 2 };
        byte[] expected = Stream(Open(null), options).Bytes;
        using SmallDisk disk = new(Directory.CreateDirectory(Folder).FullName);
        Directory.CreateDirectory(Path.Combine(disk.Path, "cache"));
        await disk.LeavePages(2);

        (byte[] bytes, List<LoaderEvent> events) = Stream(Open(new ImageCache(Path.Combine(disk.Path, "cache"))), options);
        Assert.Equal(expected, bytes);
        Assert.Equal(
            "There is no space left for the cache of decoded images (data.cache.path); what is not in it is decoded each time.",
            Assert.Single(events, happened => happened.Kind == LoaderEventKind.CacheNotWritten).Message);
        Assert.Empty(Directory.EnumerateFiles(disk.Path, "*.tmp", SearchOption.AllDirectories));
    }

    [Fact]
    public void A_folder_that_cannot_be_written_only_ends_the_keeping()
    {
        _folder.Write("file", [1]);
        (byte[] bytes, List<LoaderEvent> events) = Stream(Open(new ImageCache(_folder.At("file/cache"))), new LoaderOptions { BatchSize = 2, NumWorkers = 0 });
        Assert.Equal(Stream(Open(null), new LoaderOptions { BatchSize = 2, NumWorkers = 0 }).Bytes, bytes);
        Assert.Equal(
            "The cache of decoded images (data.cache.path) can't be written; what is not in it is decoded each time.",
            Assert.Single(events, happened => happened.Kind == LoaderEventKind.CacheNotWritten).Message);
    }

    private static unsafe (byte[] Bytes, List<LoaderEvent> Events) Stream(ImagesLabelsDataset dataset, LoaderOptions options, int epoch = 0)
    {
        List<LoaderEvent> events = [];
        using MemoryStream bytes = new();
        using (PrefetchLoader loader = new(dataset, options with { Observer = happened => { lock (events) events.Add(happened); } }))
        {
            foreach (IBatch batch in loader.ReadEpoch(epoch))
            {
                using (batch)
                {
                    (BatchField image, BatchField label) = (batch["image"], batch["label"]);
                    bytes.Write(new ReadOnlySpan<byte>((void*)image.Address, sizeof(float) * (int)image.Shape.Aggregate(1L, (product, side) => product * side)));
                    bytes.Write(new ReadOnlySpan<byte>((void*)label.Address, sizeof(long) * (int)label.Shape.Aggregate(1L, (product, side) => product * side)));
                }
            }
        }

        return (bytes.ToArray(), events);
    }

    private static unsafe byte[] Load(ImagesLabelsDataset dataset, int index)
    {
        SlotLayout layout = new(dataset.Fields, 1);
        byte* memory = (byte*)NativeMemory.AlignedAlloc((nuint)layout.Bytes, 64);
        try
        {
            SampleBuffer buffer = new(memory, layout.Placements, 0);
            dataset.Load(new SampleKey(0, 0, index), buffer);
            return [.. MemoryMarshal.AsBytes(buffer.Field<float>(0)), .. MemoryMarshal.AsBytes(buffer.Field<long>(1))];
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
    }

    private string[] Entries() => Directory.Exists(Folder) ? [.. Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)] : [];

    private ImagesLabelsDataset Open(ImageCache? cache) => new(new ImagesLabelsOptions
    {
        Path = _folder.Path,
        Split = DatasetSplit.Train,
        CropSize = 16,
        Augmentation = new AugmentationOptions { Rotate = true, HorizontalFlip = 0.5 },
        Cache = cache,
    });
}
