using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Imaging;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Prediction;
using RobustTrain.Training.Tasks;
using RobustTrain.Training.Tasks.ChangeDetection;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training;

[Collection(TorchCollection.Name)]
public sealed class TiledPredictionTests
{
    private static readonly Normalization s_normalization = new([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);

    [Theory]
    [InlineData(1, 512, 64, 16)]
    [InlineData(512, 512, 64, 16)]
    [InlineData(513, 512, 64, 16)]
    [InlineData(1000, 256, 0, 16)]
    [InlineData(1003, 256, 128, 16)]
    [InlineData(4096, 64, 32, 8)]
    public void Tiles_cover_a_side_begin_at_multiples_of_the_stride_and_overlap_as_they_should(int length, int tile, int overlap, int stride)
    {
        TileAxis axis = new(length, tile, overlap, stride);

        int[] covered = new int[length];
        foreach ((int start, int size) in axis.Tiles)
        {
            Assert.Equal(0, start % stride);
            Assert.InRange(size, 1, tile);
            for (int at = start; at < start + size; at++)
                covered[at]++;
        }

        Assert.DoesNotContain(0, covered);
        foreach (((int start, int size) earlier, (int start, int size) later) in axis.Tiles.Zip(axis.Tiles.Skip(1)))
            Assert.True(earlier.start + earlier.size - later.start >= overlap && later.start > earlier.start);
        Assert.All(Enumerable.Range(0, axis.Tiles.Count).SelectMany(axis.WeightsOf), weight => Assert.InRange(weight, float.Epsilon, 1));
    }

    [Fact]
    public void Over_an_overlap_one_tile_fades_into_the_next()
    {
        const int overlap = 16;
        TileAxis columns = new(112, 64, overlap, 16);
        TileAxis rows = new(1, 64, overlap, 16);
        TileBlend blend = new(1, 112, 1);
        for (int tile = 0; tile < columns.Tiles.Count; tile++)
        {
            (int start, int size) = columns.Tiles[tile];
            blend.Add(Enumerable.Repeat((float)tile, size).ToArray(), start, 0, columns.WeightsOf(tile), rows.WeightsOf(0));
        }

        float[] blended = [.. Enumerable.Range(0, 112).Select(x => blend.At(0, x, 0))];

        Assert.Equal([(0, 64), (48, 64)], columns.Tiles);
        Assert.All(blended[..48], value => Assert.Equal(0, value, 1e-6f));
        Assert.All(blended[64..], value => Assert.Equal(1, value, 1e-6f));
        for (int at = 0; at < overlap; at++)
            Assert.Equal((at + 0.5f) / overlap, blended[48 + at], 1e-6f);
    }

    [Theory]
    [InlineData("fc-siam-diff")]
    [InlineData("fc-siam-conc")]
    public void Tiles_give_what_the_whole_image_gives_where_the_network_sees_no_edge_of_a_tile(string name)
    {
        // Of the first tile's columns those before 192 are further from its edge, at 320, than the network sees; of the second's those
        // from 384 to 447, where the third does not begin yet.
        TrainingConfig config = new() { Model = new ModelConfig { Name = name, BaseChannels = 2 } };
        ImageBuffer[] images = [Noise(640, 160, seed: 1), Noise(640, 160, seed: 2)];
        using nn.Module model = Model(config);

        float[][] whole = Scores(config, model, images, tile: 640, overlap: 64);
        float[][] tiled = Scores(config, model, images, tile: 320, overlap: 64);

        int[] inner = [.. Enumerable.Range(0, 192), .. Enumerable.Range(384, 64)];
        for (int y = 0; y < whole.Length; y++)
        {
            foreach (int x in inner)
                Assert.Equal(whole[y][x], tiled[y][x], 1e-5f);
        }

        // The network does see further than the overlap reaches, so that the images would not differ at all only if tiles were not used.
        Assert.Contains(Enumerable.Range(0, 160), y => Enumerable.Range(0, 640).Any(x => Math.Abs(whole[y][x] - tiled[y][x]) > 1e-5f));
    }

    [Theory]
    [InlineData("fc-siam-diff", 37, 21)]
    [InlineData("fc-siam-conc", 16, 16)]
    [InlineData("hanet", 40, 24)]
    public void An_image_within_a_tile_has_the_probabilities_of_the_network_s_own_pass(string name, int width, int height)
    {
        TrainingConfig config = new() { Model = new ModelConfig { Name = name, BaseChannels = 2 } };
        ImageBuffer[] images = [Noise(width, height, seed: 3), Noise(width, height, seed: 4)];
        using nn.Module model = Model(config);

        float[][] scores = Scores(config, model, images, tile: 64, overlap: 16);

        ITrainingTask task = new ChangeDetectionTask(config);
        using IDisposable noGrad = no_grad();
        using BatchTensors batch = BatchTensors.Of([KeyValuePair.Create("image1", Values(images[0])), KeyValuePair.Create("image2", Values(images[1]))]);
        using Tensor changed = nn.functional.softmax(task.Forward(model, batch), 1)[0, 1];
        float[] expected = changed.contiguous().data<float>().ToArray();
        Assert.Equal(expected, scores.SelectMany(row => row), new Close(1e-4f));
    }

    [Theory]
    [InlineData("hanet", 30, 11)]
    [InlineData("fc-siam-diff", 5, 3)]
    public void An_image_that_the_network_does_not_take_is_padded_and_cut_again(string name, int width, int height)
    {
        TrainingConfig config = new() { Model = new ModelConfig { Name = name, BaseChannels = 2 } };
        using nn.Module model = Model(config);

        float[][] scores = Scores(config, model, [Noise(width, height, 5), Noise(width, height, 6)], tile: 64, overlap: 16);

        Assert.Equal(height, scores.Length);
        Assert.All(scores, row => Assert.Equal(width, row.Length));
        Assert.All(scores.SelectMany(row => row), score => Assert.InRange(score, 0, 1));
    }

    private static nn.Module Model(TrainingConfig config)
    {
        nn.Module model = new ChangeDetectionTask(config).CreateModel(seed: 5);
        model.eval();
        return model;
    }

    private static float[][] Scores(TrainingConfig config, nn.Module model, ImageBuffer[] images, int tile, int overlap)
    {
        List<float[]> rows = [];
        new ImagePredictor(new ChangeDetectionTask(config), model, CPU, s_normalization, tile, overlap)
            .Run(images, (_, scores) => rows.Add(scores.ToArray()), () => { }, CancellationToken.None);
        return [.. rows];
    }

    private static Tensor Values(ImageBuffer image)
    {
        using Tensor bytes = tensor(image.Pixels.ToArray(), [image.Height, image.Width, 3]).permute(2, 0, 1).to_type(ScalarType.Float32);
        using Tensor mean = tensor(new[] { 0.485f, 0.456f, 0.406f }).reshape(3, 1, 1);
        using Tensor deviation = tensor(new[] { 0.229f, 0.224f, 0.225f }).reshape(3, 1, 1);
        return (((bytes / 255) - mean) / deviation).unsqueeze(0);
    }

    private static ImageBuffer Noise(int width, int height, int seed)
    {
        ImageBuffer image = new();
        image.SetSize(width, height, 3);
        new Random(seed).NextBytes(image.Pixels);
        return image;
    }

    private sealed class Close(float tolerance) : IEqualityComparer<float>
    {
        public bool Equals(float x, float y) => Math.Abs(x - y) <= tolerance;

        public int GetHashCode(float value) => 0;
    }
}
