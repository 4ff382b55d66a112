using FsCheck.Xunit;
using RobustTrain.Data;
using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Datasets.AirChange;
using RobustTrain.Data.Datasets.ChangePairs;
using RobustTrain.Data.Imaging;
using RobustTrain.Data.Ordering;

namespace RobustTrain.Tests.Data;

/// <summary>A share of the training crops is drawn around a changed pixel.</summary>
public sealed class ChangedCropTests(SampleScenes data) : IClassFixture<SampleScenes>, IDisposable
{
    private const int Width = 40;
    private const int Height = 30;
    private const int Side = 16;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Property(MaxTest = 300)]
    public void The_corners_around_a_pixel_are_those_whose_crops_hold_it(byte left, byte top, byte columns, byte rows, byte pixelX, byte pixelY, byte size)
    {
        (int x, int y, int side) = (pixelX % 40, pixelY % 40, (size % 20) + 1);
        CropCorners corners = new(left % 20, top % 20, columns % 20, rows % 20);
        IEnumerable<(int X, int Y)> holding = Places(corners).Where(corner => x >= corner.X && x < corner.X + side && y >= corner.Y && y < corner.Y + side);
        Assert.Equal(holding, Places(corners.Around(x, y, side)));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(17, 13)]
    [InlineData(Width - 1, Height - 1)]
    public void With_a_share_of_one_every_crop_holds_change_at_every_place_that_it_can_have(int changedX, int changedY)
    {
        Write((x, y) => (x, y) == (changedX, changedY) ? 255 : 0);
        using ChangePairsDataset dataset = new(Options(share: 1));
        HashSet<int> places = [];
        for (int epoch = 0; epoch < 3000; epoch++)
            places.Add(Array.IndexOf(LoadedSample.Of(dataset, new SampleKey(5, epoch, 0)).Label, 1));
        int possible = new CropCorners(0, 0, Width - Side + 1, Height - Side + 1).Around(changedX, changedY, Side).Count;
        Assert.DoesNotContain(-1, places);
        Assert.Equal(possible, places.Count);
    }

    [Fact]
    public void Crops_around_change_are_the_given_share_and_the_others_stay_as_they_were()
    {
        Write((x, y) => (x, y) == (0, 0) ? 255 : 0);
        using ChangePairsDataset plain = new(Options(share: 0));
        using ChangePairsDataset shared = new(Options(share: 0.25));
        int changed = 0;
        for (int epoch = 0; epoch < 2000; epoch++)
        {
            SampleKey key = new(5, epoch, 0);
            LoadedSample sample = LoadedSample.Of(shared, key);
            if (sample.Label.Contains(1))
                changed++;
            else
                Assert.Equal(LoadedSample.Of(plain, key).Image1, sample.Image1);
        }

        // By chance one corner of 375 holds it too.
        Assert.InRange(changed / 2000.0, 0.22, 0.29);
    }

    [Fact]
    public void Each_changed_pixel_is_as_likely_so_that_crops_with_much_change_come_more_often()
    {
        // Three pixels left, one right, too far from each other for one crop.
        Write((x, y) => y == 0 && x is 0 or 1 or 2 or Width - 1 ? 255 : 0);
        using ChangePairsDataset dataset = new(Options(share: 1));
        int left = Enumerable.Range(0, 2000).Count(epoch => (int)MathF.Round(LoadedSample.Of(dataset, new SampleKey(5, epoch, 0)).Image1[0] * 255) < 3);
        Assert.InRange(left / 2000.0, 0.71, 0.79);
    }

    [Fact]
    public void Where_nothing_changed_crops_come_from_everywhere()
    {
        // What is to be ignored is no change.
        Write((x, _) => x < 20 ? 0 : 255);
        using ChangePairsDataset plain = new(Options(share: 0) with { Classes = 3 });
        using ChangePairsDataset shared = new(Options(share: 1) with { Classes = 3 });
        for (int epoch = 0; epoch < 50; epoch++)
            Assert.Equal(LoadedSample.Of(plain, new SampleKey(5, epoch, 0)).Image1, LoadedSample.Of(shared, new SampleKey(5, epoch, 0)).Image1);
    }

    [Fact]
    public void Change_is_found_at_the_size_that_images_are_resized_to()
    {
        Write((x, y) => x >= 36 && y >= 26 ? 255 : 0);
        using ChangePairsDataset dataset = new(Options(share: 1) with { Augmentation = new AugmentationOptions { Resize = [2 * Height, 2 * Width], Rotate = true } });
        Assert.All(Enumerable.Range(0, 50), epoch => Assert.Contains(1, LoadedSample.Of(dataset, new SampleKey(5, epoch, 0)).Label));
    }

    [Fact]
    public void A_process_worker_draws_the_same_crops()
    {
        Write((x, y) => x > y ? 255 : 0);
        using ChangePairsDataset here = new(Options(share: 0.5));
        using ChangePairsDataset there = (ChangePairsDataset)here.Description.Open();
        for (int epoch = 0; epoch < 20; epoch++)
            Assert.Equal(LoadedSample.Of(here, new SampleKey(5, epoch, 0)).Image1, LoadedSample.Of(there, new SampleKey(5, epoch, 0)).Image1);
    }

    [Fact]
    public void Other_splits_are_not_touched()
    {
        Write((x, y) => x > y ? 255 : 0);
        File.WriteAllText(_folder.At("all.txt"), "train_1\n");
        using ChangePairsDataset dataset = new(Options(share: 1) with { Split = DatasetSplit.Test, TestList = "all.txt" });
        Assert.Equal(Width * Height, LoadedSample.Of(dataset, new SampleKey(5, 0, 0)).Label.Length);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Crops_of_air_change_hold_change_and_stay_out_of_the_test_area(bool keepsScenes)
    {
        AirChangeOptions options = new() { Path = data.Path, Split = DatasetSplit.Train, CropSize = 32, ChangedCropShare = 1 };
        using AirChangeDataset keeping = new(options);
        using AirChangeDataset dataset = keepsScenes ? keeping : (AirChangeDataset)keeping.Description.Open();
        Assert.All(Enumerable.Range(0, dataset.Count / 20), index => Assert.Contains(1, LoadedSample.Of(dataset, new SampleKey(5, 0, index * 20)).Label));
    }

    [Fact]
    public void Crops_of_air_change_around_a_pixel_begin_where_others_may_too()
    {
        ImageBuffer label = new();
        label.SetSize(AirChangeLayout.SceneWidth, AirChangeLayout.SceneHeight, 1);
        label.Pixels.Fill(255);
        CropCorners[] corners = AirChangeLayout.CornersOf(112);
        ChangedPixels changed = new();
        changed.Find(label, new LabelClasses(2, null), corners, 112);
        HashSet<(int, int)> allowed = [.. corners.SelectMany(Places)];
        SampleRandom random = new(new SampleKey(1, 0, 0));
        for (int draw = 0; draw < 5000; draw++)
            Assert.Contains(changed.DrawCorner(corners, 112, ref random)!.Value, allowed);
    }

    private static IEnumerable<(int X, int Y)> Places(CropCorners corners) => Enumerable.Range(0, corners.Count).Select(place => corners[place]);

    private ChangePairsOptions Options(double share) => new()
    {
        Path = _folder.Path, Split = DatasetSplit.Train, TrainList = "train.txt", CropSize = Side, ChangedCropShare = share, Mean = [0, 0, 0], Std = [1, 1, 1],
    };

    private void Write(Func<int, int, int> label)
    {
        _folder.Write("A/train_1.bmp", TestImage.Coordinates(Width, Height, 10));
        _folder.Write("B/train_1.bmp", TestImage.Coordinates(Width, Height, 200));
        _folder.Write("label/train_1.bmp", TestImage.Grey(Width, Height, label));
        File.WriteAllText(_folder.At("train.txt"), "train_1\n");
    }
}
